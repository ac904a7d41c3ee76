-- Bookings of a reservation night directly after another booking of it. Nights with one booking are
-- excluded first: sorting all events by reservation night takes four times as long.
WITH several AS MATERIALIZED (
    SELECT hotel_id, night_of_stay, room_reservation_id
    FROM bookings.events
    WHERE status = 'booking'
    GROUP BY hotel_id, night_of_stay, room_reservation_id
    HAVING count(*) > 1
)

SELECT
    event_id,
    hotel_id,
    room_reservation_id,
    night_of_stay,
    event_at,
    before_at AS booked_before_at
FROM (
    SELECT
        events.*,
        lag(status) OVER reservation_night AS before,
        lag(event_at) OVER reservation_night AS before_at
    FROM bookings.events
    INNER JOIN several USING (hotel_id, night_of_stay, room_reservation_id)
    WINDOW reservation_night AS (
        PARTITION BY hotel_id, night_of_stay, room_reservation_id
        ORDER BY event_at, status, event_id
    )
) AS events
WHERE status = 'booking' AND before = 'booking'
ORDER BY event_at DESC
