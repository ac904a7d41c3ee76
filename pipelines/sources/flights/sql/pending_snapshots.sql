-- Archived snapshots to put on top, oldest first: from the first one on that is not loaded. Those
-- that were rejected wait for a rebuild, or for the same document to come again.
SELECT snapshot_at
FROM flights.snapshots
WHERE rejection_reason IS NULL
    AND snapshot_at >= (
        SELECT min(snapshot_at)
        FROM flights.snapshots
        WHERE rejection_reason IS NULL AND NOT is_loaded
    )
ORDER BY snapshot_at
