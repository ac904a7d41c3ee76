-- Among {events}: bookings of a night that is booked, cancellations of one that is cancelled or was never
-- booked, and events of a business day of the hotel after their night.
INSERT INTO bookings.findings
(rule, hotel_id, day, event_id, status, room_reservation_id, event_at, booked_before_at)
SELECT
    CASE
        WHEN status = 'booking' THEN 'double_booking'
        WHEN first_booked_at <= event_at THEN 'double_cancellation'
        ELSE 'cancelled_before_booked'
    END,
    hotel_id, night_of_stay, event_id, status, room_reservation_id, event_at,
    CASE status WHEN 'booking' THEN before_at END
FROM in_order
WHERE status = status_before
UNION ALL
SELECT
    'event_after_night',
    hotel_id, night_of_stay, event_id, status, room_reservation_id, event_at,
    NULL
FROM night_states
LEFT JOIN hotel_days USING (hotel_id)
INNER JOIN {events} AS looked_at USING (hotel_id, night_of_stay, room_reservation_id)
WHERE
    bookings.business_day(last_event_at, time_zone, day_begins) > night_of_stay
    AND bookings.business_day(event_at, time_zone, day_begins) > night_of_stay
    AND load_number <= :last
