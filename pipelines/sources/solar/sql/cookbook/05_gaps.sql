-- What is missing, since when, why, and when is it requested again?
--
-- Days that were not requested yet come last: later syncs request them, as far back as `SYNC_UNTIL_YEAR` says. Each missing
-- hour is in `enriched.solar_missing_hours`.
--
-- before_day: 2026-11-02 | today + 1
-- rows: 10
SELECT plant_name, status, first_day, last_day, hours_missing, problem, retry_at
FROM metrics.solar_gaps
WHERE first_day < CAST(%(before_day)s AS date)
ORDER BY status = 'not requested', plant_name, first_day DESC
LIMIT %(rows)s;
