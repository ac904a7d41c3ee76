CREATE OR REPLACE VIEW enriched.solar_missing_hours AS TABLE solar.missing_hours;

COMMENT ON VIEW enriched.solar_missing_hours IS
'solar.missing_hours for readers: each hour without a reading, of days that are partly there or closed.';
