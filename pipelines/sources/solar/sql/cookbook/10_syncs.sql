-- How long did the last sync of each plant take, and was it complete?
SELECT plant_name, began_at, took, response_count, problem
FROM metrics.solar_syncs
ORDER BY plant_name;
