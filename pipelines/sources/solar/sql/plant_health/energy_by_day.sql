-- Energy by day of the :plants plants that yield least of what is expected, over :days days until
-- yesterday; a day that nothing is held of has nulls.
WITH summed AS (
    SELECT
        health.plant_id,
        health.day AS last_day,
        solar.ratio(sum(days.observed_energy_kwh), sum(days.expected_energy_kwh)) AS ratio
    FROM metrics.solar_plant_health AS health
    INNER JOIN solar.days
        ON
            health.plant_id = days.plant_id
            AND days.day > health.day - CAST(:days AS integer)
            AND days.day <= health.day
    GROUP BY health.plant_id
    HAVING solar.ratio(sum(days.observed_energy_kwh), sum(days.expected_energy_kwh)) IS NOT NULL
    ORDER BY ratio, health.plant_id
    LIMIT :plants
)

SELECT
    plant_id,
    plants.name AS plant_name,
    summed.ratio,
    calendar.day::date AS day,
    days.expected_energy_kwh,
    days.observed_energy_kwh
FROM summed
INNER JOIN solar.plants USING (plant_id)
CROSS JOIN LATERAL generate_series(
    (summed.last_day - CAST(:days AS integer) + 1)::timestamp,
    summed.last_day::timestamp,
    interval '1 day'
) AS calendar (day)
LEFT JOIN solar.days USING (plant_id, day)
ORDER BY summed.ratio, plant_id, calendar.day
