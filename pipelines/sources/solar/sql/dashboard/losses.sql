-- Energy that was expected and not produced, by plant, period and cause.
SELECT plant_name, date_trunc(%(period)s, day::timestamp)::date AS period_start, cause, sum(lost_kwh) AS lost_kwh
FROM metrics.solar_losses
WHERE
    plant_id = ANY (%(plants)s::integer[])
    AND day >= %(from_date)s
    AND day < %(to_date)s
GROUP BY plant_name, period_start, cause
ORDER BY plant_name, period_start, cause;
