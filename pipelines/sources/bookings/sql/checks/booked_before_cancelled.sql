-- Cancellations of a reservation night without an earlier or simultaneous booking. Filter first,
-- then sort: in the order of an index, finding that there are none would scan all events.
WITH unbooked AS MATERIALIZED (
    SELECT
        cancellation.event_id,
        cancellation.hotel_id,
        cancellation.room_reservation_id,
        cancellation.night_of_stay,
        cancellation.event_at
    FROM bookings.events AS cancellation
    WHERE cancellation.status = 'cancellation'
        AND NOT EXISTS (
            SELECT
            FROM bookings.events AS booking
            WHERE booking.status = 'booking'
                AND booking.hotel_id = cancellation.hotel_id
                AND booking.night_of_stay = cancellation.night_of_stay
                AND booking.room_reservation_id = cancellation.room_reservation_id
                AND booking.event_at <= cancellation.event_at
        )
)

SELECT *
FROM unbooked
ORDER BY event_at DESC
