-- How long did the last sync of each plant take, and was it whole?
SELECT plants.name, syncs.began_at, syncs.ended_at - syncs.began_at AS took, syncs.response_count, syncs.problem
FROM solar.syncs
INNER JOIN solar.plants USING (plant_id)
ORDER BY plants.name;
