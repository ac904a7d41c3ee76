-- Archived days whose document was refused: nothing of them is in the tables.
SELECT
    snapshot_on,
    refusal
FROM flights.snapshots
WHERE refusal IS NOT NULL
ORDER BY snapshot_on DESC
