-- Archived documents that were rejected as a whole: nothing of them is in the tables.
SELECT
    snapshot_at,
    refusal
FROM flights.snapshots
WHERE refusal IS NOT NULL
ORDER BY snapshot_at DESC
