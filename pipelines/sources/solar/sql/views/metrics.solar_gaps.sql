CREATE OR REPLACE VIEW metrics.solar_gaps AS TABLE solar.gaps;

COMMENT ON VIEW metrics.solar_gaps IS
'solar.gaps for readers: what is missing of plants in service, as runs of days with the same status.';
