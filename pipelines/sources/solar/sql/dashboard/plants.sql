-- Plants with the day that it is there: what is over, is over by a plant's own clock.
SELECT plant_id, name, (now() AT TIME ZONE time_zone)::date AS today
FROM solar.plants
ORDER BY plant_id;
