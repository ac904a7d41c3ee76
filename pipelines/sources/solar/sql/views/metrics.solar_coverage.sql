CREATE OR REPLACE VIEW metrics.solar_coverage AS SELECT * FROM solar.coverage;

COMMENT ON VIEW metrics.solar_coverage IS
'The state of each day of each plant (solar.coverage). It covers the requested history until the
plant''s own yesterday, or until the day before it retired.';
