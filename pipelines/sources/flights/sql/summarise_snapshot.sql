-- Totals of the snapshot, in the currency of most of its prices. The price of a rejected record is unknown, though
-- flights.prices keeps the one before it.
WITH offered AS (
    SELECT
        prices.price_currency,
        count(*) AS itinerary_count,
        min(prices.price_amount) FILTER (WHERE rejected.reason IS NULL) AS lowest_price,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY prices.price_amount)
            FILTER (WHERE rejected.reason IS NULL) AS median_price,
        max(prices.price_amount) FILTER (WHERE rejected.reason IS NULL) AS highest_price
    FROM flights.prices
    LEFT JOIN flights.rejected_offers AS rejected
        ON
            prices.itinerary_id = rejected.itinerary_id
            AND rejected.snapshot_at = :snapshot_at
    WHERE prices.seen_until_at IS NULL
    GROUP BY prices.price_currency
), usual AS (
    SELECT *
    FROM offered
    ORDER BY itinerary_count DESC, price_currency
    LIMIT 1
)
UPDATE flights.snapshots
SET
    itinerary_count = (SELECT coalesce(sum(itinerary_count), 0) FROM offered),
    (price_currency, lowest_price, median_price, highest_price) = (
        SELECT price_currency, lowest_price, median_price, highest_price FROM usual
    )
WHERE snapshot_at = :snapshot_at
