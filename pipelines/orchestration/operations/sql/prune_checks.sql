-- Deletes old executions of checks among the next so many, but for those to keep and those of
-- unfinished runs. What another transaction is deleting is left to it.
WITH swept AS (
    SELECT
        id,
        run_id,
        evaluation_event_timestamp
    FROM asset_check_executions
    WHERE id > :after AND id < :until
    ORDER BY id
    LIMIT :most
), doomed AS (
    SELECT asset_check_executions.id
    FROM asset_check_executions
    INNER JOIN swept USING (id)
    WHERE
        swept.evaluation_event_timestamp < :before
        AND swept.id <> ALL(CAST(:kept AS bigint []))
        AND NOT EXISTS (
            SELECT FROM runs
            WHERE runs.run_id = swept.run_id AND runs.status = ANY(CAST(:unfinished AS text []))
        )
    FOR UPDATE OF asset_check_executions SKIP LOCKED
), gone AS (
    DELETE FROM asset_check_executions
    USING doomed
    WHERE asset_check_executions.id = doomed.id
    RETURNING pg_column_size(asset_check_executions.evaluation_event) AS bytes
)
SELECT
    (SELECT max(id) FROM swept) AS last_id,
    count(*) AS removed,
    coalesce(sum(bytes), 0) AS bytes
FROM gone
