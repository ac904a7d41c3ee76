-- Archived days to put on top, oldest first: from the first one on that is not loaded, or whose
-- document was replaced. Days whose document was refused wait for another document or a rebuild.
SELECT snapshot_on
FROM flights.snapshots
WHERE refusal IS NULL
    AND snapshot_on >= (
        SELECT min(snapshot_on)
        FROM flights.snapshots
        WHERE refusal IS NULL AND sha256 IS DISTINCT FROM loaded_sha256
    )
ORDER BY snapshot_on
