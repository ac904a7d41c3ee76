-- Which plants are there?
SELECT plant_id, name, latitude, longitude, time_zone, retired_at
FROM solar.plants
ORDER BY plant_id;
