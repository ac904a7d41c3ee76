-- Months of plants whose days have other sums or hours than their readings: of the days that were
-- requested within the last two days, at most the last ten thousand.
WITH requested AS (
    SELECT
        days.plant_id,
        date_trunc('month', days.day::timestamp)::date AS month,
        solar.day_begins(days.day, plants.time_zone) AS first_at,
        solar.day_begins(days.day + 1, plants.time_zone) AS end_at,
        days.hours_present,
        days.expected_energy_kwh,
        days.observed_energy_kwh,
        days.expected_irradiation_wh_per_m2,
        days.observed_irradiation_wh_per_m2
    FROM solar.days
    INNER JOIN solar.plants ON days.plant_id = plants.plant_id
    WHERE days.requested_at > now() - interval '2 days'
    ORDER BY days.requested_at DESC, days.plant_id, days.day
    LIMIT 10000
),

months AS (
    SELECT
        requested.plant_id,
        requested.month,
        sum(requested.hours_present) AS hours,
        sum(counted.hours) AS hours_of_readings,
        sum(requested.expected_energy_kwh) AS expected_energy_kwh,
        sum(counted.expected_energy_kwh) AS expected_energy_of_readings,
        sum(requested.observed_energy_kwh) AS observed_energy_kwh,
        sum(counted.observed_energy_kwh) AS observed_energy_of_readings,
        sum(requested.expected_irradiation_wh_per_m2) AS expected_irradiation_wh_per_m2,
        sum(counted.expected_irradiation_wh_per_m2) AS expected_irradiation_of_readings,
        sum(requested.observed_irradiation_wh_per_m2) AS observed_irradiation_wh_per_m2,
        sum(counted.observed_irradiation_wh_per_m2) AS observed_irradiation_of_readings
    FROM requested
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS hours,
            sum(readings.expected_energy_kwh) AS expected_energy_kwh,
            sum(readings.observed_energy_kwh) AS observed_energy_kwh,
            sum(readings.expected_irradiation_wh_per_m2) AS expected_irradiation_wh_per_m2,
            sum(readings.observed_irradiation_wh_per_m2) AS observed_irradiation_wh_per_m2
        FROM solar.readings
        WHERE
            readings.plant_id = requested.plant_id
            AND readings.read_at >= requested.first_at
            AND readings.read_at < requested.end_at
    ) AS counted
    GROUP BY requested.plant_id, requested.month
)

SELECT
    months.plant_id,
    plants.name AS plant_name,
    months.month,
    sums.name,
    sums.by_days,
    sums.by_readings
FROM months
INNER JOIN solar.plants ON months.plant_id = plants.plant_id
CROSS JOIN LATERAL (
    VALUES
    ('hours', hours, hours_of_readings),
    ('expected_energy_kwh', expected_energy_kwh, expected_energy_of_readings),
    ('observed_energy_kwh', observed_energy_kwh, observed_energy_of_readings),
    (
        'expected_irradiation_wh_per_m2',
        expected_irradiation_wh_per_m2,
        expected_irradiation_of_readings
    ),
    (
        'observed_irradiation_wh_per_m2',
        observed_irradiation_wh_per_m2,
        observed_irradiation_of_readings
    )
) AS sums (name, by_days, by_readings)
WHERE
    abs(coalesce(sums.by_days, 0) - coalesce(sums.by_readings, 0))
    > 1e-9 * greatest(abs(sums.by_days), abs(sums.by_readings))
ORDER BY months.plant_id, months.month, sums.name
