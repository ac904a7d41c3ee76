-- Notes this snapshot as the last one in the tables; returns the one before it.
UPDATE flights.snapshots
SET is_loaded = (snapshot_at = :snapshot_at)
WHERE snapshot_at >= :snapshot_at;

SELECT max(snapshot_at) AS before
FROM flights.snapshots
WHERE is_loaded AND snapshot_at < :snapshot_at
