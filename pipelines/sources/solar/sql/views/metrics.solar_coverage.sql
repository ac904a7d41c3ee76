CREATE OR REPLACE VIEW metrics.solar_coverage AS TABLE solar.coverage;

COMMENT ON VIEW metrics.solar_coverage IS
'solar.coverage for readers: the state of each day of each plant, from the requested history until its
own yesterday, or until the day before it retired.';
