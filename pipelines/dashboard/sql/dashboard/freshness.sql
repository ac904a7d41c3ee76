-- Each feed, and each source that was checked and has none.
SELECT
    coalesce(feeds.feed, checked.source) AS source,
    checked.state,
    coalesce(feeds.last_delivery_at, checked.last_new_data_at) AS last_delivery_at,
    checked.last_checked_at AS last_success_at,
    checked.expected_within_hours,
    feeds.longest_silence_hours,
    feeds.records_today,
    feeds.rejected_today,
    feeds.in_quarantine
FROM (SELECT * FROM metrics.freshness WHERE kind = 'source') AS checked
FULL JOIN ops.feeds ON checked.source = feeds.source
WHERE feeds.feed IS NOT NULL OR checked.last_checked_at IS NOT NULL
ORDER BY feeds.feed IS NULL, 1;
