-- Work: linear, 74 buffers
SELECT
    source,
    max(loaded_at) AS last_delivery_at,
    count(*) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')) AS deliveries_today,
    coalesce(sum(read_count) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')), 0)::bigint AS records_today,
    coalesce(sum(rejected_count) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')), 0)::bigint AS rejected_today,
    coalesce(max(waiting.records), 0) AS in_quarantine
FROM ops.deliveries
LEFT JOIN (
    SELECT source AS of_source, count(*) AS records
    FROM ops.quarantine
    INNER JOIN ops.deliveries USING (delivery_id)
    WHERE dismissed_at IS NULL
    GROUP BY source
) AS waiting ON of_source = source
GROUP BY source
ORDER BY source;
