-- Of the old executions of checks before a number, the newest of each check, partition and outcome,
-- for Dagster; and what failing_checks.sql finds, which goes by their events: the newest of each
-- outcome, and the first that failed since the last that passed.
WITH old AS (
    SELECT
        id,
        asset_key,
        check_name,
        partition,
        execution_status,
        evaluation_event_storage_id AS event_id
    FROM asset_check_executions
    WHERE id < :until AND evaluation_event_timestamp < :before
), newest AS (
    SELECT DISTINCT ON (asset_key, check_name, execution_status)
        id,
        asset_key,
        check_name,
        execution_status,
        event_id
    FROM old
    WHERE execution_status IN ('SUCCEEDED', 'FAILED')
    ORDER BY asset_key, check_name, execution_status, event_id DESC
), earliest AS (
    SELECT DISTINCT ON (failed.asset_key, failed.check_name) failed.id
    FROM old AS failed
    LEFT JOIN newest AS passed
        ON
            passed.asset_key = failed.asset_key
            AND passed.check_name = failed.check_name
            AND passed.execution_status = 'SUCCEEDED'
    WHERE failed.execution_status = 'FAILED' AND failed.event_id > coalesce(passed.event_id, 0)
    ORDER BY failed.asset_key, failed.check_name, failed.event_id
)
SELECT max(id) AS id
FROM old
GROUP BY asset_key, check_name, partition, execution_status
UNION
SELECT id FROM newest
UNION
SELECT id FROM earliest
