-- Quarantined records of a feed, newest first, either open or dismissed.
SELECT
    quarantine.quarantine_id AS record,
    deliveries.name AS delivery,
    quarantine.position,
    array_to_string(quarantine.reasons, '; ') AS reasons,
    quarantine.raw,
    quarantine.dismissed_at,
    quarantine.dismissed_by,
    quarantine.dismissal_reason
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE deliveries.feed = :feed AND (quarantine.dismissed_at IS NOT NULL) = :is_dismissed
ORDER BY quarantine.quarantine_id DESC
LIMIT :most
