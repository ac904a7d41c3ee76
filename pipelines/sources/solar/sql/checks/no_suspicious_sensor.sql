-- Plants with suspicious sensors, most suspicious hours first.
SELECT
    plant_id,
    plants.name AS plant_name,
    array_to_string(health.sensor_issues, ', ') AS sensor_issues,
    health.day AS last_day
FROM metrics.solar_plant_health AS health
INNER JOIN solar.plants USING (plant_id)
WHERE health.sensor_issues <> '{}'
ORDER BY
    coalesce(health.night_hours, 0) + health.flat_hours + coalesce(health.over_limit_hours, 0) DESC,
    plant_id
