-- Deletes old executions of checks, which Dagster never does, but for the newest of each check,
-- partition and outcome, and those of unfinished runs.
WITH old AS (
    SELECT
        id,
        run_id,
        row_number() OVER (
            PARTITION BY asset_key, check_name, partition, execution_status ORDER BY id DESC
        ) AS nth
    FROM asset_check_executions
    WHERE evaluation_event_timestamp < :before
), gone AS (
    DELETE FROM asset_check_executions
    USING old
    WHERE asset_check_executions.id = old.id
        AND old.nth > 1
        AND NOT EXISTS (
            SELECT FROM runs
            WHERE runs.run_id = old.run_id AND runs.status = ANY(CAST(:unfinished AS text []))
        )
    RETURNING asset_check_executions.id
)
SELECT count(*) AS removed
FROM gone
