-- Number of staged legs and itineraries that are in the tables.
SELECT
    (
        SELECT count(DISTINCT staged.record)
        FROM stage_legs AS staged
        INNER JOIN flights.legs USING (leg_id)
        WHERE legs.seen_until_at IS NULL
    ) + (
        SELECT count(DISTINCT staged.record)
        FROM stage_prices AS staged
        INNER JOIN flights.prices USING (itinerary_id)
        WHERE prices.seen_until_at IS NULL
    )
