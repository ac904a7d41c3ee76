-- Among {events}: bookings of a night that is booked, cancellations of one that is cancelled or was never
-- booked, and events of a business day of the hotel after their night. Nodes of a cluster have no functions: days are
-- found in temporary tables.
CREATE TEMP TABLE late_nights ON COMMIT DROP AS
SELECT night_states.hotel_id, night_of_stay, room_reservation_id
FROM night_states
LEFT JOIN hotel_days USING (hotel_id)
WHERE bookings.business_day(last_event_at, time_zone, day_begins) > night_of_stay;

ANALYZE late_nights;

CREATE TEMP TABLE of_late_nights ON COMMIT DROP AS
SELECT hotel_id, night_of_stay, room_reservation_id, event_id, status, event_at
FROM late_nights
INNER JOIN {events} AS looked_at USING (hotel_id, night_of_stay, room_reservation_id)
WHERE load_number <= :last;

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
FROM of_late_nights
LEFT JOIN hotel_days USING (hotel_id)
WHERE bookings.business_day(event_at, time_zone, day_begins) > night_of_stay
