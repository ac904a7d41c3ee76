-- Of Dagster's storage: the checks whose newest evaluation failed, with that event, and with the
-- first that failed since the last that passed. One that is under way changes nothing.
WITH verdicts AS (
    SELECT
        asset_key,
        check_name,
        max(evaluation_event_storage_id) FILTER (WHERE execution_status = 'SUCCEEDED') AS passed_id,
        max(evaluation_event_storage_id) FILTER (WHERE execution_status = 'FAILED') AS failed_id
    FROM asset_check_executions
    GROUP BY asset_key, check_name
)
SELECT
    verdict.asset_key,
    verdict.check_name,
    newest.evaluation_event AS event,
    earliest.evaluation_event AS first_event
FROM verdicts AS verdict
CROSS JOIN LATERAL (
    SELECT failed.evaluation_event
    FROM asset_check_executions AS failed
    WHERE failed.asset_key = verdict.asset_key
        AND failed.check_name = verdict.check_name
        AND failed.evaluation_event_storage_id = verdict.failed_id
    LIMIT 1
) AS newest
CROSS JOIN LATERAL (
    SELECT failed.evaluation_event
    FROM asset_check_executions AS failed
    WHERE failed.asset_key = verdict.asset_key
        AND failed.check_name = verdict.check_name
        AND failed.execution_status = 'FAILED'
        AND failed.evaluation_event_storage_id > coalesce(verdict.passed_id, 0)
    ORDER BY failed.evaluation_event_storage_id
    LIMIT 1
) AS earliest
WHERE verdict.failed_id > coalesce(verdict.passed_id, 0)
