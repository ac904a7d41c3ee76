-- Events dated after their night of stay had passed.
SELECT
    event_id,
    hotel_id,
    status,
    room_reservation_id,
    day AS night_of_stay,
    event_at
FROM bookings.findings
WHERE rule = 'event_before_stay'
ORDER BY event_at DESC
