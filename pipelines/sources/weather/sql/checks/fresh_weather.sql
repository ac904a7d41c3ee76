-- Places in use with coordinates whose weather is missing or old, with the reason.
SELECT
    places.place_key,
    fetch_state.last_success_at,
    fetch_state.consecutive_failures,
    fetch_state.problem,
    (
        SELECT max(quota_blocks.blocked_until)
        FROM weather.quota_blocks
        WHERE quota_blocks.provider = observations.provider AND quota_blocks.blocked_until > now()
    ) AS provider_blocked_until
FROM weather.places
LEFT JOIN weather.fetch_state
    ON places.place_id = fetch_state.place_id AND fetch_state.kind = 'observation'
LEFT JOIN weather.observations ON places.place_id = observations.place_id
WHERE
    places.is_observed
    AND places.latitude IS NOT NULL
    AND (
        fetch_state.last_success_at IS NULL
        OR fetch_state.last_success_at < now() - interval '2 hours 5 minutes'
    )
ORDER BY places.place_key
