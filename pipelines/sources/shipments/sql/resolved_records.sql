-- Rejected records of earlier deliveries that this delivery sends correctly and did not reject once
-- more (:again).
SELECT DISTINCT quarantine.quarantine_id
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
INNER JOIN stage_lines
    ON
        quarantine.record_key
        = ARRAY[stage_lines.tracking_number, stage_lines.carrier, stage_lines.sku]
WHERE
    deliveries.source = :source
    AND deliveries.delivery_id <> :delivery_id
    AND quarantine.dismissed_at IS NULL
    AND quarantine.raw <> ALL(:again)
