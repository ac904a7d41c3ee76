-- Archived documents that were rejected as a whole: nothing of them is in the tables.
SELECT
    snapshot_at,
    rejection_reason
FROM flights.snapshots
WHERE rejection_reason IS NOT NULL
ORDER BY snapshot_at DESC
