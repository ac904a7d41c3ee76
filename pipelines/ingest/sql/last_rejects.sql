-- Rejected records of the last delivery of a feed, in the order of the delivery.
SELECT position, array_to_string(reasons, '; ') AS reasons, raw
FROM ops.quarantine
WHERE dismissed_at IS NULL AND delivery_id = (
    SELECT delivery_id FROM ops.deliveries WHERE feed = :feed AND problem IS NULL ORDER BY loaded_at DESC LIMIT 1
)
ORDER BY quarantine_id
