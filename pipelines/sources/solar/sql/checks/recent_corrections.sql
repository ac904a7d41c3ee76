SELECT
    plants.plant_id,
    plants.name,
    count(*) AS hours,
    min(corrections.read_at) AS first_at,
    max(corrections.read_at) AS last_at,
    max(corrections.corrected_at) AS corrected_at
FROM solar.corrections
INNER JOIN solar.plants USING (plant_id)
WHERE corrections.corrected_at > now() - interval '1 day'
GROUP BY plants.plant_id, plants.name
ORDER BY plants.plant_id
