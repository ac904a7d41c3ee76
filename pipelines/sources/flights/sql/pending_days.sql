-- Archived days to put on top, oldest first: from the first one on that is not loaded, or whose
-- document was replaced. Days with a refused document wait for another one, or for a rebuild.
SELECT snapshot_on
FROM flights.snapshots
WHERE sha256 IS DISTINCT FROM refused_sha256
    AND snapshot_on >= (
        SELECT min(snapshot_on)
        FROM flights.snapshots
        WHERE sha256 IS DISTINCT FROM refused_sha256
            AND sha256 IS DISTINCT FROM loaded_sha256
    )
ORDER BY snapshot_on
