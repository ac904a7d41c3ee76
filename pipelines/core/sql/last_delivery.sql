-- A source's last delivery, if any.
SELECT
    delivery_id,
    name,
    drift
FROM ops.deliveries
WHERE source = :source
ORDER BY loaded_at DESC
LIMIT 1
