SELECT
    name, day, round(performance_ratio_7_days::numeric, 2) AS performance_ratio_7_days,
    round(performance_ratio_30_days::numeric, 2) AS performance_ratio_30_days,
    round(availability_30_days::numeric, 3) AS availability_30_days,
    longest_gap_hours, sensor_issues
FROM metrics.solar_plant_health
INNER JOIN solar.plants USING (plant_id)
WHERE plant_id = ANY (%(plants)s::integer[])
ORDER BY name;
