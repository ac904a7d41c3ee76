-- Quarantined events that contradict the stored event.
SELECT
    deliveries.name AS delivery,
    quarantine.position,
    array_to_string(quarantine.reasons, '; ') AS reasons,
    quarantine.raw
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE deliveries.feed = 'bookings'
    AND quarantine.dismissed_at IS NULL
    AND 'came_before' = ANY(quarantine.reason_codes)
ORDER BY quarantine.quarantine_id DESC
