-- Stored responses for a place less than two hours after the previous one, within the last week.
-- The constraint api_requests_one_kept_observation rejects them too.
SELECT place_id, provider, requested_at, previous_requested_at
FROM (
    SELECT
        place_id,
        provider,
        requested_at,
        lag(requested_at) OVER (PARTITION BY place_id ORDER BY requested_at) AS previous_requested_at
    FROM weather.api_requests
    WHERE
        kind = 'observation'
        AND outcome = 'success'
        AND requested_at > now() - interval '7 days'
) AS successes
WHERE requested_at < previous_requested_at + interval '2 hours'
ORDER BY requested_at DESC
