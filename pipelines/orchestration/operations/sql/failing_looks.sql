-- Of Dagster's storage: the sensors and schedules that were stopped, and those whose newest finished
-- tick failed, with that tick, and with the first that failed since the last that went well, of the
-- last thousand. By the index (selector_id, timestamp), as there are hundreds of thousands.
SELECT
    looks.selector_id,
    looks.status = 'STOPPED' AS is_stopped,
    looks.update_timestamp AT TIME ZONE current_setting('TimeZone') AS changed_at,
    newest.tick_body AS tick,
    earliest.tick_body AS first_tick
FROM instigators AS looks
LEFT JOIN LATERAL (
    SELECT tick.status, tick.tick_body
    FROM job_ticks AS tick
    WHERE tick.selector_id = looks.selector_id AND tick.status <> 'STARTED'
    ORDER BY tick.timestamp DESC
    LIMIT 1
) AS newest ON newest.status = 'FAILURE'
LEFT JOIN LATERAL (
    WITH lately AS (
        SELECT tick.timestamp, tick.status, tick.tick_body
        FROM job_ticks AS tick
        WHERE newest.status = 'FAILURE'
            AND tick.selector_id = looks.selector_id
            AND tick.status <> 'STARTED'
        ORDER BY tick.timestamp DESC
        LIMIT 1000
    )
    SELECT failed.tick_body
    FROM lately AS failed
    WHERE failed.status = 'FAILURE'
        AND failed.timestamp > coalesce(
            (SELECT max(timestamp) FROM lately WHERE status <> 'FAILURE'),
            CAST('-infinity' AS timestamp)
        )
    ORDER BY failed.timestamp
    LIMIT 1
) AS earliest ON TRUE
WHERE looks.selector_id = ANY(CAST(:selectors AS text[]))
    AND (looks.status = 'STOPPED' OR newest.status = 'FAILURE')
