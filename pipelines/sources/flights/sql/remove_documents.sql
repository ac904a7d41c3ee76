-- Deletes flights documents that only snapshots before an instant refer to; the snapshots stay.
WITH doomed AS (
    SELECT payloads.sha256
    FROM flights.payloads
    INNER JOIN flights.snapshots ON payloads.sha256 = snapshots.sha256
    WHERE payloads.body_gzip IS NOT NULL
    GROUP BY payloads.sha256
    HAVING max(snapshots.snapshot_at) < :before
    ORDER BY payloads.sha256
    LIMIT :most
), gone AS (
    UPDATE flights.payloads
    SET body_gzip = NULL
    FROM doomed
    WHERE payloads.sha256 = doomed.sha256
    RETURNING payloads.sha256
)
SELECT count(*) AS removed
FROM gone
