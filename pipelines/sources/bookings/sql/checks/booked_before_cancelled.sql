-- Cancellations of a reservation night without an earlier or simultaneous booking.
SELECT
    event_id,
    hotel_id,
    room_reservation_id,
    day AS night_of_stay,
    event_at
FROM bookings.findings
WHERE rule = 'booked_before_cancelled'
ORDER BY event_at DESC
