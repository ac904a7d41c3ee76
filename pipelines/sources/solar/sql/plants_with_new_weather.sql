-- Plants whose place was changed or corrected, or got weather since their losses were compared with it; is_moved if it is
-- another place now. Versions are compared for equality.
SELECT
    plants.plant_id,
    newest.version,
    coalesce(split_part(known.version, ' ', 1) <> split_part(newest.version, ' ', 1), FALSE) AS is_moved
FROM solar.plants
LEFT JOIN weather.places USING (place_key)
LEFT JOIN solar.weather_versions AS known ON plants.plant_id = known.plant_id
CROSS JOIN LATERAL (
    SELECT
        coalesce(places.place_id::text, '') || '@'
        || coalesce(extract(EPOCH FROM places.geocoded_at)::text, '') || ' '
        || coalesce(
            (
                SELECT requests.entry_id::text
                FROM weather.api_requests AS requests
                WHERE
                    requests.place_id = places.place_id
                    AND requests.kind IN ('forecast', 'archive')
                    AND requests.outcome = 'success'
                ORDER BY requests.requested_at DESC
                LIMIT 1
            ),
            ''
        ) AS version
) AS newest
WHERE known.version IS DISTINCT FROM newest.version
ORDER BY plants.plant_id
