-- Each source with its last check for new data, its last delivery and its rejected records.
SELECT
    freshness.name,
    freshness.last_checked_at AS last_success_at,
    freshness.is_late AS is_overdue,
    freshness.expected_within_hours * 3600 AS promised_seconds,
    max(feeds.last_delivery_at) AS last_delivery_at,
    coalesce(sum(feeds.in_quarantine), 0)::bigint AS in_quarantine
FROM metrics.freshness
LEFT JOIN ops.feeds ON freshness.name = feeds.source
WHERE freshness.kind = 'source'
GROUP BY 1, 2, 3, 4
