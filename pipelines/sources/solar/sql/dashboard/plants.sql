SELECT plant_id, name, latitude, longitude FROM solar.plants ORDER BY plant_id;
