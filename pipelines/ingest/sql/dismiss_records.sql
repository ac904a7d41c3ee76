-- Marks quarantined records as dismissed by a person.
UPDATE ops.quarantine
SET dismissed_at = now(), dismissed_by = :by, dismissal_reason = :reason
FROM ops.deliveries
WHERE
    quarantine.delivery_id = deliveries.delivery_id
    AND deliveries.feed = :feed
    AND quarantine.dismissed_at IS NULL
    AND (
        CAST(:records AS bigint[]) IS NULL
        OR quarantine.quarantine_id = ANY(CAST(:records AS bigint[]))
    )
    AND (
        CAST(:matching AS text) IS NULL
        OR strpos(
            lower(array_to_string(quarantine.reason_codes || quarantine.reasons, '; ')),
            lower(CAST(:matching AS text))
        ) > 0
    )
