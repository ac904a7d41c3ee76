-- Take out plants that are not in service any more; those that are deleted go of themselves.
DELETE FROM metrics.solar_plant_health AS health
USING solar.plants
WHERE health.plant_id = plants.plant_id AND plants.retired_at IS NOT NULL
