-- Deletes plants that are no longer in service; rows of deleted plants are deleted by the foreign
-- key.
DELETE FROM metrics.solar_plant_health AS health
USING solar.plants
WHERE health.plant_id = plants.plant_id AND plants.retired_at IS NOT NULL
