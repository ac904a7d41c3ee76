-- The hours of a day, of all plants together: each in its own local time.
SELECT
    period_start AS local_hour,
    sum(expected_energy_kwh) AS expected_energy_kwh,
    sum(observed_energy_kwh) AS observed_energy_kwh
FROM unnest(%(plants)s::integer[]) AS plant_id
CROSS JOIN LATERAL metrics.solar_report(plant_id, %(day)s, %(day)s + 1, 'hour')
GROUP BY period_start
ORDER BY period_start;
