-- What is in quarantine of a source, newest first.
SELECT
    deliveries.name AS delivery,
    quarantine.position,
    array_to_string(quarantine.reasons, '; ') AS reasons,
    quarantine.raw
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE deliveries.source = :source
ORDER BY quarantine.quarantine_id DESC
LIMIT :most
