-- Answered calls for a place less than two hours after the one before, within the last week.
SELECT
    place_id,
    provider,
    called_at,
    called_before_at
FROM (
    SELECT
        place_id,
        provider,
        called_at,
        lag(called_at) OVER (PARTITION BY place_id ORDER BY called_at) AS called_before_at
    FROM weather.calls
    WHERE
        kind = 'observation'
        AND outcome IN ('success', 'discarded')
        AND called_at > now() - interval '7 days'
) AS successes
WHERE called_at < called_before_at + interval '2 hours'
ORDER BY called_at DESC
LIMIT 1000
