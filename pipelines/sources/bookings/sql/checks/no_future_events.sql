-- Events dated more than a day after now.
SELECT event_id, hotel_id, status, room_reservation_id, night_of_stay, event_at
FROM bookings.events
WHERE event_at > now() + interval '1 day'
ORDER BY event_at DESC
