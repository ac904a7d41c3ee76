-- Which of these ids are stored.
SELECT event_id
FROM bookings.events
WHERE event_id BETWEEN :lowest AND :highest AND event_id = ANY(CAST(:ids AS bigint []))
