-- Claims places that are due: nobody else asks for them until the claim ends.
WITH due AS (
    SELECT place_id
    FROM weather.due_places(:now, :by_postcode)
    ORDER BY last_success_at NULLS FIRST, place_id
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
