-- Which events are there, oldest first?
--
-- `enriched.hotel_events` has one row for each booking or cancellation of a night. There are indexes on the time, on hotel and
-- night, on the night, and on the reservation. Combine a filter by status with one of them.
--
-- rows: 4
SELECT event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay
FROM enriched.hotel_events
ORDER BY event_at, event_id
LIMIT %(rows)s;
