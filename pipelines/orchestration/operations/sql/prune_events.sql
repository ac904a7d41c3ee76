-- Deletes old events among the next so many, but for those to keep and those of unfinished runs.
-- What another transaction is deleting is left to it.
WITH swept AS (
    SELECT
        id,
        run_id,
        timestamp
    FROM event_logs
    WHERE id > :after AND id < :until
    ORDER BY id
    LIMIT :most
), doomed AS (
    SELECT event_logs.id
    FROM event_logs
    INNER JOIN swept USING (id)
    WHERE
        swept.timestamp < :before
        AND swept.id <> ALL(CAST(:kept AS bigint []))
        AND NOT EXISTS (
            SELECT FROM runs
            WHERE runs.run_id = swept.run_id AND runs.status = ANY(CAST(:unfinished AS text []))
        )
    FOR UPDATE OF event_logs SKIP LOCKED
), gone AS (
    DELETE FROM event_logs
    USING doomed
    WHERE event_logs.id = doomed.id
    RETURNING event_logs.id, pg_column_size(event_logs.event) AS bytes
), untagged AS (
    DELETE FROM asset_event_tags
    USING gone
    WHERE asset_event_tags.event_id = gone.id
)
SELECT
    (SELECT max(id) FROM swept) AS last_id,
    count(*) AS removed,
    coalesce(sum(bytes), 0) AS bytes
FROM gone
