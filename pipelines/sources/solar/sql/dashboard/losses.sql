-- Expected less observed energy, and low hours, by plant, period and cause.
SELECT
    plant_name,
    date_trunc(%(period)s, day::timestamp)::date AS period_start,
    cause,
    sum(loss_kwh) AS loss_kwh,
    sum(low_hours) AS low_hours,
    sum(loss_amount) AS loss_amount,
    tariff_currency
FROM metrics.solar_losses
WHERE
    plant_id = ANY (%(plants)s::integer[])
    AND day >= %(from_date)s
    AND day < %(to_date)s
GROUP BY plant_name, period_start, cause, tariff_currency
ORDER BY plant_name, period_start, cause;
