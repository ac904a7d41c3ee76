-- Archived snapshots to apply, oldest first, starting with the first one that is not loaded.
-- Rejected snapshots wait for a rebuild, or until the same document is delivered again.
SELECT snapshot_at
FROM flights.snapshots
WHERE rejection_reason IS NULL
    AND snapshot_at >= (
        SELECT min(snapshot_at)
        FROM flights.snapshots
        WHERE rejection_reason IS NULL AND NOT is_loaded
    )
ORDER BY snapshot_at
