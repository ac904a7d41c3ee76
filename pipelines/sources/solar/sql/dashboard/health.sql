SELECT
    plant_name, day, performance_ratio_7_days, performance_ratio_30_days, availability_30_days,
    longest_gap_hours, sensor_issues
FROM metrics.solar_plant_health
WHERE plant_id = ANY (%(plants)s::integer[])
ORDER BY plant_name;
