-- Archived days that are not loaded, or whose document was replaced since, oldest first. A day
-- before the last loaded one is not among them: the tables show what was seen last.
WITH loaded AS (
    SELECT DISTINCT ON (name)
        name::date AS snapshot_on,
        sha256
    FROM ops.deliveries
    WHERE source = 'flights'
    ORDER BY name, delivery_id DESC
)
SELECT snapshots.snapshot_on
FROM flights.snapshots
LEFT JOIN loaded USING (snapshot_on)
WHERE snapshots.sha256 IS DISTINCT FROM loaded.sha256
    AND snapshots.snapshot_on >= coalesce((SELECT max(snapshot_on) FROM loaded), '-infinity')
ORDER BY snapshots.snapshot_on
