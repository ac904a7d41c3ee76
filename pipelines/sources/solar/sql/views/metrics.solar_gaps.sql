CREATE OR REPLACE VIEW metrics.solar_gaps AS SELECT * FROM solar.gaps;

COMMENT ON VIEW metrics.solar_gaps IS
'Missing data of plants in service (solar.gaps): runs of days with the same status.';
