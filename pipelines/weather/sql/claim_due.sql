-- Claims places whose last success is two hours old or more, or that have none yet: nobody else asks
-- for them until the claim ends.
WITH due AS (
    SELECT places.place_id
    FROM weather.places
    LEFT JOIN weather.refreshes
        ON places.place_id = refreshes.place_id AND refreshes.kind = 'observation'
    WHERE
        places.is_observed
        AND (
            places.latitude IS NOT NULL
            OR (:by_postcode AND places.postcode IS NOT NULL AND places.country_code IS NOT NULL)
        )
        AND (
            refreshes.last_success_at IS NULL
            OR refreshes.last_success_at <= :now - interval '2 hours'
        )
        AND (refreshes.claimed_until IS NULL OR refreshes.claimed_until <= :now)
        AND (refreshes.retry_at IS NULL OR refreshes.retry_at <= :now)
    ORDER BY refreshes.last_success_at NULLS FIRST, places.place_id
    LIMIT :most
), claimed AS (
    INSERT INTO weather.refreshes (place_id, kind, claimed_until, claim)
    SELECT
        place_id,
        'observation',
        :claimed_until,
        :claim
    FROM due
    ON CONFLICT (place_id, kind) DO UPDATE SET
        claimed_until = excluded.claimed_until,
        claim = excluded.claim
    RETURNING place_id
)

SELECT
    places.place_id,
    places.latitude,
    places.longitude,
    places.country_code,
    places.postcode
FROM weather.places
INNER JOIN claimed USING (place_id)
ORDER BY places.place_id
