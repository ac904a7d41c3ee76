-- Which file or answer did an event come with?
SELECT events.event_id, deliveries.name, deliveries.received_at
FROM bookings.events
INNER JOIN ops.deliveries USING (delivery_id)
WHERE events.event_id = (SELECT max(event_id) FROM bookings.events);
