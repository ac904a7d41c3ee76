-- Archived documents that were rejected as a whole: the tables contain nothing of them.
SELECT snapshot_at, rejection_reason
FROM flights.snapshots
WHERE rejection_reason IS NOT NULL
ORDER BY snapshot_at DESC
