-- Whether an event without an id is stored, which may get the id of a new one. With EXISTS,
-- PostgreSQL scans a table without statistics, and expects such an event soon.
SELECT coalesce(min(event_id) < 0, FALSE) FROM bookings.events
