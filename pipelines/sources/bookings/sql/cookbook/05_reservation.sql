-- What was said of a reservation?
--
-- hotel: 2607
SELECT event_at, status, night_of_stay
FROM enriched.hotel_events
WHERE room_reservation_id = (
    SELECT room_reservation_id FROM enriched.hotel_events
    WHERE hotel_id = %(hotel)s AND status = 'cancellation' ORDER BY event_at, event_id LIMIT 1
)
ORDER BY event_at, event_id;
