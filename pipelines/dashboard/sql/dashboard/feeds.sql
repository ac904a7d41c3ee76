-- Each feed: its last delivery, what came today, what waits in quarantine, and how long it is
-- silent at most, by the deliveries of the last 60 days.
-- Work: linear, 120 buffers
SELECT
    feeds.source,
    feeds.last_delivery_at,
    feeds.deliveries_today,
    feeds.records_today,
    feeds.rejected_today,
    coalesce(waiting.records, 0) AS in_quarantine,
    extract(EPOCH FROM now() - feeds.last_delivery_at) / 3600 AS silent_hours,
    extract(EPOCH FROM gaps.longest) / 3600 AS longest_silence_hours,
    -- Silent half as long again as ever, and for a day at least.
    coalesce(
        gaps.days >= 5
        AND now() - feeds.last_delivery_at > greatest(1.5 * gaps.longest, interval '26 hours'),
        FALSE
    ) AS is_quiet
FROM (
    SELECT
        source,
        max(loaded_at) AS last_delivery_at,
        count(*) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')) AS deliveries_today,
        coalesce(sum(read_count) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')), 0)::bigint AS records_today,
        coalesce(sum(rejected_count) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')), 0)::bigint AS rejected_today
    FROM ops.deliveries
    GROUP BY source
) AS feeds
LEFT JOIN (
    SELECT source, count(*) AS records
    FROM ops.quarantine
    INNER JOIN ops.deliveries USING (delivery_id)
    WHERE dismissed_at IS NULL
    GROUP BY source
) AS waiting ON feeds.source = waiting.source
LEFT JOIN (
    SELECT source, max(gap) AS longest, count(DISTINCT day) AS days
    FROM (
        SELECT
            source,
            received_at::date AS day,
            received_at - lag(received_at) OVER (PARTITION BY source ORDER BY received_at) AS gap
        FROM ops.deliveries
        WHERE received_at >= now() - interval '60 days'
    ) AS spaced
    GROUP BY source
) AS gaps ON feeds.source = gaps.source
ORDER BY feeds.source;
