-- What was read by day (UTC), and what became of it: the three outcomes add up to what was read.
SELECT
    (loaded_at AT TIME ZONE 'UTC')::date AS day,
    feed,
    count(*) AS deliveries,
    sum(read_count)::bigint AS read,
    sum(loaded_count)::bigint AS loaded,
    sum(unchanged_count)::bigint AS unchanged,
    sum(rejected_count)::bigint AS rejected,
    sum(read_count) = sum(loaded_count + unchanged_count + rejected_count) AS is_balanced
FROM ops.deliveries
WHERE feed = ANY (%(feeds)s) AND problem IS NULL AND loaded_at >= now() - interval '30 days'
GROUP BY 1, 2
ORDER BY day DESC, feed;
