-- Staged legs and itineraries that are in the tables. Each record has one staged row, and each key at
-- most one open period.
INSERT INTO counted (loaded, stored)
SELECT
    CAST(:changed AS bigint),
    (
        SELECT count(*)
        FROM stage_legs AS staged
        INNER JOIN flights.legs USING (leg_id)
        WHERE legs.seen_until_at IS NULL
    ) + (
        SELECT count(*)
        FROM stage_prices AS staged
        INNER JOIN flights.prices USING (itinerary_id)
        WHERE prices.seen_until_at IS NULL
    )
