-- The last snapshot, if it offers fewer than half or more than twice as many itineraries as the
-- previous one.
SELECT
    snapshot_at,
    itinerary_count,
    count_before
FROM (
    SELECT
        snapshot_at,
        itinerary_count,
        lag(itinerary_count) OVER (ORDER BY snapshot_at) AS count_before
    FROM flights.snapshots
    WHERE is_loaded
    ORDER BY snapshot_at DESC
    LIMIT 1
) AS latest
WHERE NOT itinerary_count BETWEEN count_before / 2.0 AND count_before * 2
