-- Itineraries whose price at least doubled or halved in the last snapshot, on the same route.
SELECT
    prices.itinerary_id,
    before.price_amount AS price_before,
    prices.price_amount,
    prices.price_currency
FROM flights.prices
INNER JOIN flights.prices AS before
    ON prices.itinerary_id = before.itinerary_id
    AND prices.price_currency = before.price_currency
    AND prices.route = before.route
WHERE prices.seen_from_at = (
    SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded
)
    AND before.seen_until_at = (
        SELECT max(snapshots.snapshot_at)
        FROM flights.snapshots
        WHERE snapshots.is_loaded
            AND snapshots.snapshot_at < prices.seen_from_at
    )
    AND NOT EXISTS (  -- its price is not known of then
        SELECT FROM flights.rejected_offers AS rejected
        WHERE rejected.itinerary_id = before.itinerary_id
            AND rejected.snapshot_at = before.seen_until_at
    )
    AND (
        prices.price_amount >= 2 * before.price_amount
        OR before.price_amount >= 2 * prices.price_amount
    )
ORDER BY prices.itinerary_id
