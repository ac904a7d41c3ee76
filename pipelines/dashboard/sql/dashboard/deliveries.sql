SELECT feed, name, received_at, read_count, loaded_count, unchanged_count, rejected_count, problem, drift, byte_count
FROM ops.deliveries
WHERE feed = ANY (%(feeds)s) AND (%(since)s::date IS NULL OR received_at >= %(since)s::date)
ORDER BY received_at DESC, delivery_id DESC
LIMIT 200;
