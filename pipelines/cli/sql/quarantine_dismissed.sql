-- Number of dismissed records by feed.
SELECT
    deliveries.feed,
    count(*) AS count
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE quarantine.dismissed_at IS NOT NULL
GROUP BY deliveries.feed
ORDER BY deliveries.feed
