-- Months of plants whose days have other sums or hours than their readings: of the days that were
-- requested within the last two days, at most the last ten thousand.
SELECT
    days.plant_id,
    plants.name AS plant_name,
    date_trunc('month', days.day::timestamp)::date AS month,
    sums.name,
    sum(sums.by_days) AS by_days,
    sum(sums.by_readings) AS by_readings
FROM (
    SELECT *
    FROM solar.days
    WHERE requested_at > now() - interval '2 days'
    ORDER BY requested_at DESC, plant_id, day
    LIMIT 10000
) AS days
INNER JOIN solar.plants ON days.plant_id = plants.plant_id
CROSS JOIN LATERAL solar.counted_days(days.plant_id, plants.time_zone, days.day, days.day + 1)
    AS counted
CROSS JOIN LATERAL (
    VALUES
    ('hours', days.hours_present, counted.hours_present),
    ('expected_energy_kwh', days.expected_energy_kwh, counted.expected_energy_kwh),
    ('observed_energy_kwh', days.observed_energy_kwh, counted.observed_energy_kwh),
    (
        'expected_irradiation_wh_per_m2',
        days.expected_irradiation_wh_per_m2,
        counted.expected_irradiation_wh_per_m2
    ),
    (
        'observed_irradiation_wh_per_m2',
        days.observed_irradiation_wh_per_m2,
        counted.observed_irradiation_wh_per_m2
    )
) AS sums (name, by_days, by_readings)
GROUP BY days.plant_id, plants.name, month, sums.name
HAVING
    abs(coalesce(sum(sums.by_days), 0) - coalesce(sum(sums.by_readings), 0))
    > 1e-9 * greatest(abs(sum(sums.by_days)), abs(sum(sums.by_readings)))
ORDER BY days.plant_id, month, sums.name
