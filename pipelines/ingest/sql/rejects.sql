-- Quarantined records of a feed that nobody dismissed, newest first.
SELECT
    quarantine.quarantine_id AS record,
    deliveries.name AS delivery,
    quarantine.position,
    array_to_string(quarantine.reasons, '; ') AS reasons,
    quarantine.raw
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE deliveries.feed = :feed AND quarantine.dismissed_at IS NULL
ORDER BY quarantine.quarantine_id DESC
LIMIT :most
