-- Of Dagster's storage: when partitions of assets were last materialised, where they ever were
-- (seconds since 1970). By the index of events by asset, type and partition.
SELECT wanted.asset_key, wanted.partition, extract(epoch FROM newest.timestamp) AS done_at
FROM unnest(CAST(:asset_keys AS text[]), CAST(:partitions AS text[])) AS wanted (asset_key, partition)
CROSS JOIN LATERAL (
    SELECT event.timestamp
    FROM event_logs AS event
    WHERE event.asset_key = wanted.asset_key
        AND event.partition = wanted.partition
        AND event.dagster_event_type = 'ASSET_MATERIALIZATION'
    ORDER BY event.id DESC
    LIMIT 1
) AS newest
