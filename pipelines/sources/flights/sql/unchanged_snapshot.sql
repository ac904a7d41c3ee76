-- The last loaded snapshot, if this one follows it and has the same content.
SELECT
    replace(CAST(date_trunc('second', snapshot_at AT TIME ZONE 'UTC') AS text), ' ', 'T') || 'Z'
        AS name,
    snapshot_at AS earlier_at
FROM (
    SELECT snapshot_at, sha256
    FROM flights.snapshots
    WHERE is_loaded
    ORDER BY snapshot_at DESC
    LIMIT 1
) AS last_loaded
WHERE snapshot_at < :snapshot_at AND sha256 = :sha256
