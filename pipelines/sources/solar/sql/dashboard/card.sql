-- Energy of the fleet by day, up to yesterday: today is not over.
SELECT
    day,
    sum(observed_energy_kwh) AS value,
    coalesce(
        round((100 * sum(observed_energy_kwh) / nullif(sum(expected_energy_kwh), 0))::numeric)
        || ' %% of what was expected; ', ''
    ) || count(*) FILTER (WHERE hours_missing = 0) || ' of ' || count(*) || ' plants complete' AS detail
FROM metrics.solar_daily
WHERE day >= current_date - 30 AND day < current_date
GROUP BY day
HAVING sum(observed_energy_kwh) IS NOT NULL
ORDER BY day;
