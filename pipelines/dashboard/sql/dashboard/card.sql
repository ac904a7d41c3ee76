-- Records of a source that were loaded by day, from its ledger.
SELECT
    every.day::date AS day,
    coalesce(loaded.records, 0)::bigint AS value,
    coalesce(loaded.deliveries, 0) || CASE loaded.deliveries WHEN 1 THEN ' delivery' ELSE ' deliveries' END AS detail
FROM generate_series(
    current_date - interval '13 days', current_date::timestamp, interval '1 day'
) AS every (day)
LEFT JOIN (
    SELECT (loaded_at AT TIME ZONE 'UTC')::date AS day, sum(loaded_count) AS records, count(*) AS deliveries
    FROM ops.deliveries
    WHERE feed = ANY (%(feeds)s::text[]) AND problem IS NULL AND loaded_at >= now() - interval '15 days'
    GROUP BY 1
) AS loaded ON loaded.day = every.day::date
ORDER BY day;
