-- Archived days whose document was refused: nothing of them is in the tables.
SELECT
    snapshot_on,
    refusal
FROM flights.snapshots
WHERE refused_sha256 IS NOT NULL
ORDER BY snapshot_on DESC
