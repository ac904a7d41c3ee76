-- What does a rejected record contain?
--
-- feed: bookings
-- rows: 10
SELECT deliveries.name, quarantine.position, quarantine.reasons, quarantine.raw
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE deliveries.feed = %(feed)s
ORDER BY quarantine.quarantine_id DESC
LIMIT %(rows)s;
