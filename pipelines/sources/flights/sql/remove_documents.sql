-- Removes documents of flights that only days before a day refer to; the days stay.
WITH doomed AS (
    SELECT
        payloads.sha256,
        octet_length(payloads.body_gzip) AS bytes
    FROM flights.payloads
    WHERE
        payloads.body_gzip IS NOT NULL
        AND EXISTS (
            SELECT FROM flights.snapshots
            WHERE
                snapshots.snapshot_on < :before
                AND payloads.sha256 IN (snapshots.sha256, snapshots.refused_sha256)
        )
        AND NOT EXISTS (
            SELECT FROM flights.snapshots
            WHERE
                snapshots.snapshot_on >= :before
                AND payloads.sha256
                IN (snapshots.sha256, snapshots.loaded_sha256, snapshots.refused_sha256)
        )
    ORDER BY payloads.sha256
    LIMIT :most
), gone AS (
    UPDATE flights.payloads
    SET body_gzip = NULL
    FROM doomed
    WHERE payloads.sha256 = doomed.sha256
    RETURNING doomed.bytes
)
SELECT
    count(*) AS removed,
    coalesce(sum(bytes), 0) AS bytes
FROM gone
