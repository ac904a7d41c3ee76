-- A source's last delivery, if any.
SELECT
    delivery_id,
    name,
    drift
FROM ops.deliveries
WHERE source = :source
ORDER BY delivery_id DESC
LIMIT 1
