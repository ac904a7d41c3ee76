-- Deletes old events that neither Dagster nor an alert reads. Dagster deletes events only with their
-- run, and then loses the state of assets (https://github.com/dagster-io/dagster/issues/33785).
WITH first_young AS (
    -- Ids are roughly in order of time, which has no index. A clock may have been wrong.
    SELECT coalesce(min(id), 9223372036854775807) AS id
    FROM (
        SELECT id
        FROM event_logs
        WHERE timestamp >= :before AND timestamp < now() AT TIME ZONE 'UTC'
        ORDER BY id
        LIMIT 1
    ) AS young
), old AS (
    SELECT
        id,
        run_id,
        asset_key,
        dagster_event_type,
        partition
    FROM event_logs
    WHERE id < (SELECT id FROM first_young) AND timestamp < :before
), kept AS (
    -- The state of assets, and the errors of failed runs, which alerts show until one succeeds.
    SELECT max(id) AS id
    FROM old
    WHERE asset_key IS NOT NULL
    GROUP BY asset_key, dagster_event_type, partition
    UNION
    SELECT old.id
    FROM (
        SELECT
            run_id,
            row_number() OVER (PARTITION BY pipeline_name ORDER BY id DESC) AS nth
        FROM runs
        WHERE status = 'FAILURE'
    ) AS failed
    INNER JOIN old USING (run_id)
    WHERE failed.nth <= 100 AND old.dagster_event_type IN ('PIPELINE_FAILURE', 'STEP_FAILURE')
), gone AS (
    DELETE FROM event_logs
    USING old
    WHERE event_logs.id = old.id
        AND NOT EXISTS (SELECT FROM kept WHERE kept.id = old.id)
        AND NOT EXISTS (
            SELECT FROM runs
            WHERE runs.run_id = old.run_id AND runs.status = ANY(CAST(:unfinished AS text []))
        )
    RETURNING event_logs.id
), untagged AS (
    DELETE FROM asset_event_tags
    USING gone
    WHERE asset_event_tags.event_id = gone.id
)
SELECT count(*) AS removed
FROM gone
