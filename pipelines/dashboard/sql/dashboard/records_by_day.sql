-- Work: linear, 28 buffers
SELECT
    (received_at AT TIME ZONE 'UTC')::date AS day,
    source,
    sum(loaded_count)::bigint AS loaded,
    sum(unchanged_count)::bigint AS unchanged,
    sum(rejected_count)::bigint AS rejected
FROM ops.deliveries
WHERE received_at >= now() - make_interval(days => %(days)s)
GROUP BY day, source
ORDER BY day, source;
