-- Answered calls for a place less than two hours after the one before, within the last week.
SELECT
    successes.place_id,
    successes.provider,
    successes.called_at,
    successes.called_before_at
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
INNER JOIN weather.places USING (place_id)
WHERE
    successes.called_at < successes.called_before_at + interval '2 hours'
    AND (
        places.geocoding_status <> 'corrected'  -- else it was another place before
        OR successes.called_before_at >= places.geocoded_at
    )
ORDER BY successes.called_at DESC
LIMIT 1000
