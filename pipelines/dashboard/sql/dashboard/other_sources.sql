-- Sources that were checked and have no deliveries of their own.
-- Work: linear, 400 buffers
SELECT source, last_new_data_at AS last_delivery_at
FROM metrics.freshness
WHERE
    kind = 'source'
    AND last_checked_at IS NOT NULL
    AND source NOT IN (SELECT feeds.source FROM ops.feeds AS feeds)
ORDER BY source;
