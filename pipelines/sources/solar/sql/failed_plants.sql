-- Plants whose last sync was incomplete; plants of the given run come first.
SELECT
    plants.plant_id,
    plants.name,
    syncs.problem,
    syncs.ended_at,
    syncs.run_id IS NOT DISTINCT FROM :run_id AS is_of_run
FROM solar.syncs
INNER JOIN solar.plants USING (plant_id)
WHERE syncs.problem IS NOT NULL AND plants.retired_at IS NULL
ORDER BY is_of_run DESC, plants.plant_id
