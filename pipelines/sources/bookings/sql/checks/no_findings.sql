-- Events that contradict others, and counts that differ from a recount.
SELECT
    rule, hotel_id, day, event_id, status, room_reservation_id, event_at, booked_before_at, axis,
    bookings, recounted_bookings, cancellations, recounted_cancellations
FROM bookings.findings
ORDER BY rule, day DESC, hotel_id
