-- Of Dagster's storage: the jobs whose newest finished run failed, that run, and when the first run
-- failed since the last that went well, of the last thousand (seconds since 1970). Canceled runs
-- decide nothing, nor do those that Dagster tries again of itself: it has begun to, or promised so
-- since :promised_since. What it promised and has not begun by then it never does. Runs that a
-- person's input was rejected by decide nothing either.
SELECT job.name, newest.run_id, newest.partition, streak.since
FROM unnest(CAST(:jobs AS text[])) AS job (name)
CROSS JOIN LATERAL (
    SELECT
        run.run_id,
        run.partition,
        run.status,
        coalesce(run.end_time, extract(EPOCH FROM run.create_timestamp)) AS ended_at
    FROM runs AS run
    WHERE run.pipeline_name = job.name
        AND run.status IN ('SUCCESS', 'FAILURE')
        AND NOT EXISTS (
            SELECT FROM run_tags
            WHERE run_tags.run_id = run.run_id AND run_tags.key = 'isobar/rejected_input'
        )
        AND NOT EXISTS (
            SELECT FROM run_tags AS promise
            LEFT JOIN run_tags AS retry
                ON retry.run_id = promise.run_id AND retry.key = 'dagster/auto_retry_run_id'
            WHERE promise.run_id = run.run_id
                AND promise.key = 'dagster/will_retry'
                AND promise.value = 'true'
                AND (retry.value IS NOT NULL OR run.end_time > :promised_since)
        )
    ORDER BY run.id DESC
    LIMIT 1
) AS newest
CROSS JOIN LATERAL (
    WITH lately AS (
        SELECT run.id, run.status, run.end_time
        FROM runs AS run
        WHERE newest.status = 'FAILURE'
            AND run.pipeline_name = job.name
            AND run.status IN ('SUCCESS', 'FAILURE')
            AND NOT EXISTS (
                SELECT FROM run_tags
                WHERE run_tags.run_id = run.run_id AND run_tags.key = 'isobar/rejected_input'
            )
        ORDER BY run.id DESC
        LIMIT 1000
    )
    SELECT coalesce(min(failed.end_time), newest.ended_at) AS since
    FROM lately AS failed
    WHERE failed.status = 'FAILURE'
        AND failed.id > coalesce((SELECT max(id) FROM lately WHERE status = 'SUCCESS'), 0)
) AS streak
WHERE newest.status = 'FAILURE'
