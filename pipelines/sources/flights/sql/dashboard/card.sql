SELECT
    snapshots.snapshot_on AS day,
    snapshots.lowest_price AS value,
    snapshots.price_currency AS unit,
    to_char(snapshots.itinerary_count, 'FM999,999,999') || ' offers; median price '
    || to_char(snapshots.median_price, 'FM999,999,990.00') || ' ' || snapshots.price_currency
    AS detail
FROM (
    SELECT DISTINCT ON (snapshot_on)
        snapshot_on, lowest_price, itinerary_count, median_price, price_currency
    FROM flights.snapshots
    WHERE is_loaded AND lowest_price IS NOT NULL AND snapshot_on >= current_date - 30
    ORDER BY snapshot_on, snapshot_at DESC
) AS snapshots
ORDER BY day;
