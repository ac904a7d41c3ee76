-- Places in use with coordinates whose weather is missing or old, with why.
SELECT
    places.place_key,
    refreshes.last_success_at,
    refreshes.failures,
    refreshes.problem,
    pauses.until_at AS provider_paused_until
FROM weather.places
LEFT JOIN weather.refreshes
    ON places.place_id = refreshes.place_id AND refreshes.kind = 'observation'
LEFT JOIN weather.observations ON places.place_id = observations.place_id
LEFT JOIN weather.pauses ON observations.provider = pauses.provider
WHERE
    places.is_observed
    AND places.latitude IS NOT NULL
    AND (
        refreshes.last_success_at IS NULL
        OR refreshes.last_success_at < now() - interval '2 hours 5 minutes'
    )
ORDER BY places.place_key
LIMIT 1000
