-- How is each plant doing, and whose sensors are not to be trusted?
SELECT
    plant_name,
    performance_ratio_7_days,
    performance_ratio_30_days,
    availability_30_days,
    sensor_issues
FROM metrics.solar_plant_health
ORDER BY cardinality(sensor_issues) DESC, performance_ratio_30_days;
