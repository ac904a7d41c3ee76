-- Totals of the snapshot, in the currency of most of its prices.
WITH offered AS (
    SELECT
        price_currency,
        count(*) AS itinerary_count,
        min(price_amount) AS lowest_price,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY price_amount) AS median_price,
        max(price_amount) AS highest_price
    FROM flights.prices
    WHERE seen_until_at IS NULL
    GROUP BY price_currency
), usual AS (
    SELECT *
    FROM offered
    ORDER BY itinerary_count DESC, price_currency
    LIMIT 1
)
UPDATE flights.snapshots
SET
    itinerary_count = (SELECT coalesce(sum(itinerary_count), 0) FROM offered),
    price_currency = (SELECT price_currency FROM usual),
    lowest_price = (SELECT lowest_price FROM usual),
    median_price = (SELECT median_price FROM usual),
    highest_price = (SELECT highest_price FROM usual)
WHERE snapshot_at = :snapshot_at
