-- Quarantined items of earlier responses for hours that a new response contains.
SELECT quarantine.quarantine_id
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE
    deliveries.feed = :feed
    AND deliveries.delivery_id <> :delivery_id
    AND quarantine.record_key >= CAST(:from_key AS text [])
    AND quarantine.record_key < CAST(:to_key AS text [])
