-- Events dated after their night of stay had passed. Filter first, then sort: in the order of an
-- index, finding that there are none would scan all events.
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
