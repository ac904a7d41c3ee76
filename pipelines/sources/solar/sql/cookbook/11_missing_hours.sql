-- Which hours of a plant are missing?
--
-- Of days that are partly there or closed; other days without a reading are in `solar.gaps`.
--
-- before_day: 2026-11-02 | today + 1
-- rows: 10
SELECT plant_name, day, read_local, problem
FROM solar.missing_hours
WHERE day < CAST(%(before_day)s AS date)
ORDER BY plant_name, read_at DESC
LIMIT %(rows)s;
