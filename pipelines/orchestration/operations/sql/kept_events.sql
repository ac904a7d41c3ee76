-- Of the old events before a number, the newest of each asset, partition and kind: what Dagster's
-- queries find that ask for the last event of an asset, as of that moment or any later one. And why
-- the last hundred failed runs of each job did: the newest is a problem until one goes well, and
-- `repairs` asks for as many of those that materialised chosen assets.
SELECT max(id) AS id
FROM event_logs
WHERE id < :until AND timestamp < :before AND asset_key IS NOT NULL
GROUP BY asset_key, dagster_event_type, partition
UNION
SELECT told.id
FROM (
    SELECT
        run_id,
        row_number() OVER (PARTITION BY pipeline_name ORDER BY id DESC) AS nth
    FROM runs
    WHERE status = 'FAILURE'
) AS failed
INNER JOIN event_logs AS told USING (run_id)
WHERE
    failed.nth <= 100
    AND told.id < :until
    AND told.dagster_event_type IN ('PIPELINE_FAILURE', 'STEP_FAILURE')
