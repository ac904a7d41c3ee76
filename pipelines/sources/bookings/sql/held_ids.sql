-- Which of these ids are held.
SELECT event_id
FROM bookings.events
WHERE event_id BETWEEN :lowest AND :highest AND event_id = ANY(CAST(:ids AS bigint []))
