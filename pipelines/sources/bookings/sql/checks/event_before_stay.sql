-- Events that were entered after the night that they are about had passed. Found first and ordered
-- then: in the order of an index over all events it would take long to find none.
WITH late AS MATERIALIZED (
    SELECT
        event_id,
        hotel_id,
        status,
        room_reservation_id,
        night_of_stay,
        event_at
    FROM bookings.events
    WHERE (event_at AT TIME ZONE 'UTC')::date > night_of_stay
)

SELECT *
FROM late
ORDER BY event_at DESC
