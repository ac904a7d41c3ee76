-- Number of dismissed records by source.
SELECT
    deliveries.source,
    count(*) AS count
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE quarantine.dismissed_at IS NOT NULL
GROUP BY deliveries.source
ORDER BY deliveries.source
