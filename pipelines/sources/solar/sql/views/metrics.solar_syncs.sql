CREATE OR REPLACE VIEW metrics.solar_syncs AS
SELECT
    syncs.plant_id,
    plants.name AS plant_name,
    syncs.began_at,
    syncs.ended_at - syncs.began_at AS took,
    syncs.response_count,
    syncs.problem
FROM solar.syncs
INNER JOIN solar.plants ON syncs.plant_id = plants.plant_id;

COMMENT ON VIEW metrics.solar_syncs IS 'Last sync of each plant, one row per plant.';
COMMENT ON COLUMN metrics.solar_syncs.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN metrics.solar_syncs.took IS
'How long the sync took; null while it runs, or if it was killed.';
