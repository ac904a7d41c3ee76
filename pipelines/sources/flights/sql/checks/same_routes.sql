-- Ids of the last snapshot whose legs fly another route than when they were last accepted: other offers.
SELECT
    prices.itinerary_id,
    before.route AS route_before,
    prices.route
FROM flights.prices
CROSS JOIN LATERAL (
    SELECT earlier.route
    FROM flights.prices AS earlier
    WHERE earlier.itinerary_id = prices.itinerary_id
        AND earlier.seen_from_at < prices.seen_from_at
    ORDER BY earlier.seen_from_at DESC
    LIMIT 1
) AS before
WHERE prices.seen_until_at IS NULL
    AND prices.seen_from_at = (SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded)
    AND prices.route <> before.route
ORDER BY prices.itinerary_id
