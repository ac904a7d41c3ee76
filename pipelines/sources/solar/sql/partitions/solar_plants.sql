-- The plants that are synced, by number; filled are those that were synced without a problem.
SELECT
    plant.plant_id::text AS key,
    sync.ended_at IS NOT NULL AND sync.problem IS NULL AS is_filled
FROM solar.plants AS plant
LEFT JOIN solar.syncs AS sync ON sync.plant_id = plant.plant_id
WHERE plant.retired_at IS NULL
ORDER BY plant.plant_id
