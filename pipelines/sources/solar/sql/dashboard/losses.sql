-- Energy that was expected and not produced, by plant, period and cause. Hours that were delivered
-- are distinguished as in enriched.solar_readings; of the others, the energy is estimated as that of an
-- average hour of the plant in the same month.
-- Work: linear, 1,200 buffers
WITH delivered AS (
    SELECT
        plant_name,
        date_trunc(%(period)s, local_hour)::date AS period_start,
        CASE
            WHEN low_yield_cause = 'plant' AND observed_energy_kwh < 0.01 * expected_energy_kwh THEN 'outage'
            WHEN low_yield_cause IS NOT NULL THEN low_yield_cause
            ELSE 'other'
        END AS cause,
        expected_energy_kwh - observed_energy_kwh AS lost_kwh
    FROM enriched.solar_readings
    WHERE
        plant_id = ANY (%(plants)s::integer[])
        AND read_at >= %(from_date)s
        AND read_at < %(to_date)s
),

days AS (
    SELECT
        plant_name,
        day,
        hours_expected - hours_present AS hours_missing,
        sum(expected_energy_kwh) OVER month / nullif(sum(hours_present) OVER month, 0) AS kwh_per_hour
    FROM metrics.solar_daily
    WHERE
        plant_id = ANY (%(plants)s::integer[])
        AND day >= %(from_date)s
        AND day < %(to_date)s
    WINDOW month AS (PARTITION BY plant_id, date_trunc('month', day::timestamp))
)

SELECT plant_name, period_start, cause, greatest(0, sum(lost_kwh)) AS lost_kwh
FROM delivered
GROUP BY plant_name, period_start, cause
HAVING sum(lost_kwh) > 0
UNION ALL
SELECT plant_name, date_trunc(%(period)s, day::timestamp)::date, 'not delivered', sum(hours_missing * kwh_per_hour)
FROM days
WHERE hours_missing > 0
GROUP BY 1, 2
HAVING sum(hours_missing * kwh_per_hour) > 0
ORDER BY plant_name, period_start, cause;
