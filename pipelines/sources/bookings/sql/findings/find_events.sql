-- Among {events}, which are all of their nights: bookings of a night that is booked, cancellations of one
-- that is cancelled or was never booked, and events of a business day of the hotel after their night.
INSERT INTO bookings.findings
(rule, hotel_id, day, event_id, status, room_reservation_id, event_at, booked_before_at)
WITH nights AS (
    SELECT
        hotel_id, night_of_stay, room_reservation_id,
        min(event_at) FILTER (WHERE status = 'booking') AS first_booked_at,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM {events} AS looked_at
    GROUP BY hotel_id, night_of_stay, room_reservation_id
),

in_order AS (  -- of nights with something twice alone: sorting all takes four times as long
    SELECT
        looked_at.*,
        first_booked_at,
        lag(status) OVER reservation_night AS status_before,
        lag(event_at) OVER reservation_night AS before_at
    FROM {events} AS looked_at
    INNER JOIN nights USING (hotel_id, night_of_stay, room_reservation_id)
    WHERE bookings > 1 OR cancellations > 1
    WINDOW reservation_night AS (
        PARTITION BY hotel_id, night_of_stay, room_reservation_id
        ORDER BY event_at, status, event_id
    )
),

found AS (
    SELECT
        'cancelled_before_booked' AS rule,
        looked_at.event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay,
        NULL::timestamptz AS booked_before_at
    FROM {events} AS looked_at
    INNER JOIN nights USING (hotel_id, night_of_stay, room_reservation_id)
    WHERE status = 'cancellation' AND coalesce(first_booked_at > event_at, TRUE)
    UNION ALL
    SELECT
        CASE status WHEN 'booking' THEN 'double_booking' ELSE 'double_cancellation' END,
        event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay,
        CASE status WHEN 'booking' THEN before_at END
    FROM in_order
    WHERE status = status_before AND first_booked_at <= event_at
    UNION ALL
    SELECT
        'event_after_night',
        looked_at.event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay,
        NULL
    FROM {events} AS looked_at
    LEFT JOIN bookings.hotels USING (hotel_id)
    WHERE bookings.business_day(event_at, hotels.time_zone, hotels.day_begins) > night_of_stay
)

SELECT rule, hotel_id, night_of_stay, event_id, status, room_reservation_id, event_at, booked_before_at
FROM found
