-- Claims places that lack hours, those with the oldest ones together: nobody else asks for them until
-- the claim ends.
WITH due AS (
    SELECT
        place_id,
        first_at,
        last_at
    FROM weather.due_hours(:now, :from_at, :to_at, :kind)
    ORDER BY first_at, place_id
    LIMIT :most
), claimed AS (
    INSERT INTO weather.refreshes (place_id, kind, claimed_until, claim)
    SELECT
        place_id,
        :kind,
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
    due.first_at,
    due.last_at
FROM weather.places
INNER JOIN due USING (place_id)
INNER JOIN claimed USING (place_id)
ORDER BY places.place_id
