-- Plants whose place was changed or corrected, or got weather since their losses were compared with it.
-- Versions are compared for equality: a request that was sent before another may be stored after it.
SELECT plants.plant_id, newest.version
FROM solar.plants
LEFT JOIN weather.places USING (place_key)
LEFT JOIN solar.weather_versions AS known ON plants.plant_id = known.plant_id
CROSS JOIN LATERAL (
    SELECT
        concat_ws(
            ' ',
            places.place_id,
            extract(EPOCH FROM places.geocoded_at),
            (
                SELECT requests.entry_id
                FROM weather.api_requests AS requests
                WHERE
                    requests.place_id = places.place_id
                    AND requests.kind IN ('forecast', 'archive')
                    AND requests.outcome = 'success'
                ORDER BY requests.requested_at DESC
                LIMIT 1
            )
        ) AS version
) AS newest
WHERE known.version IS DISTINCT FROM newest.version
ORDER BY plants.plant_id
