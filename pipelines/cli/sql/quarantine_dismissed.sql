-- How many records of each source a person has dismissed.
SELECT
    deliveries.source,
    count(*) AS count
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE quarantine.dismissed_at IS NOT NULL
GROUP BY deliveries.source
ORDER BY deliveries.source
