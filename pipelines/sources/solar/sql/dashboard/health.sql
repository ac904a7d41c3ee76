SELECT plant_name, sensor_issues FROM metrics.solar_plant_health;
