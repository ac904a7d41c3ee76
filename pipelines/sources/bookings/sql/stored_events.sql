-- Which of the keys are stored, with the content of their events as integers, one array per column. Times
-- are microseconds since 2000, nights are days. The ids are in a subquery: a cluster sends its result to
-- each node once, and a literal with the statement of each shard.
SELECT
    array_send(array_agg(event_id)) AS ids,
    array_send(array_agg(hotel_id)) AS hotels,
    array_send(array_agg(event_at)) AS times,
    array_send(array_agg((status = 'booking')::integer::bigint)) AS are_bookings,
    array_send(array_agg((night_of_stay - date '2000-01-01')::bigint)) AS nights,
    array_send(array_agg(room_reservation_id)) AS reservations
FROM bookings.events
WHERE event_id = ANY(CAST((SELECT CAST(:keys AS bigint []) OFFSET 0) AS bigint []))
