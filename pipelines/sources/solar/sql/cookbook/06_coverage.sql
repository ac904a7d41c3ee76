-- How much of each month is complete?
--
-- The share refers to the days of the month until yesterday, also those not requested yet.
--
-- from_day: 2026-09-01 | month - 2
-- to_day: 2026-11-01 | month
SELECT
    plant_name,
    date_trunc('month', day)::date AS month,
    round(sum(hours_present)::numeric / sum(hours_expected), 3) AS complete,
    count(*) FILTER (WHERE status = 'failed') AS days_failed,
    count(*) FILTER (WHERE status = 'not requested') AS days_not_requested
FROM solar.coverage
WHERE day >= CAST(%(from_day)s AS date) AND day < CAST(%(to_day)s AS date)
GROUP BY plant_id, plant_name, date_trunc('month', day)
ORDER BY plant_name, month;
