-- Bookings of a reservation night right after another booking of it.
SELECT
    event_id,
    hotel_id,
    room_reservation_id,
    night_of_stay,
    event_at,
    before_at AS booked_before_at
FROM (
    SELECT
        *,
        lag(status) OVER reservation_night AS before,
        lag(event_at) OVER reservation_night AS before_at
    FROM bookings.events
    WINDOW reservation_night AS (
        PARTITION BY hotel_id, night_of_stay, room_reservation_id
        ORDER BY event_at, status, event_id
    )
) AS events
WHERE status = 'booking' AND before = 'booking'
ORDER BY event_at DESC
