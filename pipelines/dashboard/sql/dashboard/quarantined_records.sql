-- Work: linear, 760 buffers
SELECT quarantine_id, source, name AS delivery, received_at, position, raw, reasons
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE dismissed_at IS NULL AND source = ANY (%(sources)s)
ORDER BY quarantine_id DESC
LIMIT 200;
