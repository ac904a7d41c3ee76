-- Bookings of a reservation night directly after another booking of it.
SELECT
    event_id,
    hotel_id,
    room_reservation_id,
    day AS night_of_stay,
    event_at,
    booked_before_at
FROM bookings.findings
WHERE rule = 'no_double_booking'
ORDER BY event_at DESC
