CREATE OR REPLACE VIEW enriched.solar_missing_hours AS SELECT * FROM solar.missing_hours;

COMMENT ON VIEW enriched.solar_missing_hours IS
'Hours without a reading, of days that are partly there or closed (solar.missing_hours).';
