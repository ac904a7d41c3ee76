-- Deletes old check executions from Dagster's storage, except executions that Dagster or an alert
-- still reads and executions of unfinished runs. Raw SQL, because Dagster never deletes them
-- (https://github.com/dagster-io/dagster/issues/33785). Rows that another transaction is deleting
-- are skipped.
WITH old AS (
    SELECT
        id,
        run_id,
        asset_key,
        check_name,
        partition,
        execution_status
    FROM asset_check_executions
    WHERE evaluation_event_timestamp < :before
), kept AS (
    -- The newest execution of each check, partition and outcome.
    SELECT max(id) AS id
    FROM old
    GROUP BY asset_key, check_name, partition, execution_status
), doomed AS (
    SELECT asset_check_executions.id
    FROM asset_check_executions
    INNER JOIN old USING (id)
    WHERE
        NOT EXISTS (SELECT FROM kept WHERE kept.id = old.id)
        AND NOT EXISTS (
            SELECT FROM runs
            WHERE runs.run_id = old.run_id AND runs.status = ANY(CAST(:unfinished AS text []))
        )
    FOR UPDATE OF asset_check_executions SKIP LOCKED
), gone AS (
    DELETE FROM asset_check_executions
    USING doomed
    WHERE asset_check_executions.id = doomed.id
    RETURNING asset_check_executions.id
)
SELECT count(*) AS removed
FROM gone
