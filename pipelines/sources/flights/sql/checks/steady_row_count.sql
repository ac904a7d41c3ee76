-- The last snapshot, when it offers fewer than half or more than twice as many as the one before.
SELECT
    snapshot_on,
    itinerary_count,
    count_before
FROM (
    SELECT
        snapshot_on,
        itinerary_count,
        lag(itinerary_count) OVER (ORDER BY snapshot_on) AS count_before
    FROM flights.snapshots
    WHERE loaded_sha256 IS NOT NULL
    ORDER BY snapshot_on DESC
    LIMIT 1
) AS latest
WHERE NOT itinerary_count BETWEEN count_before / 2.0 AND count_before * 2
