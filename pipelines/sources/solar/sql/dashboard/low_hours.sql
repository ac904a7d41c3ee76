SELECT
    plant_name,
    date_trunc('month', read_at)::date AS period_start,
    low_yield_cause AS cause,
    count(*) AS hours
FROM enriched.solar_readings
WHERE
    plant_id = ANY (%(plants)s::integer[])
    AND read_at >= greatest(%(from_date)s, current_date - 730)
    AND read_at < %(to_date)s
    AND low_yield_cause IS NOT NULL
GROUP BY plant_name, period_start, cause
ORDER BY plant_name, period_start, cause;
