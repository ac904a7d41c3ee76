-- What does a rejected record contain?
--
-- source: bookings
-- rows: 10
-- Work: linear, 75 buffers
SELECT deliveries.name, quarantine.position, quarantine.reasons, quarantine.raw
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE deliveries.source = %(source)s
ORDER BY quarantine.quarantine_id DESC
LIMIT %(rows)s;
