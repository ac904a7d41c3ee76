-- Among {events}, which are all of their nights: cancellations without an earlier
-- or simultaneous booking, bookings directly after another booking, and events dated after their
-- night had passed.
INSERT INTO bookings.findings
(rule, hotel_id, day, event_id, status, room_reservation_id, event_at, booked_before_at)
WITH booked AS (
    SELECT
        hotel_id,
        night_of_stay,
        room_reservation_id,
        min(event_at) AS first_at,
        count(*) AS bookings
    FROM {events} AS looked_at
    WHERE status = 'booking'
    GROUP BY hotel_id, night_of_stay, room_reservation_id
),

in_order AS (  -- of nights with several bookings alone: sorting all takes four times as long
    SELECT
        looked_at.*,
        lag(status) OVER reservation_night AS status_before,
        lag(event_at) OVER reservation_night AS before_at
    FROM {events} AS looked_at
    INNER JOIN booked USING (hotel_id, night_of_stay, room_reservation_id)
    WHERE booked.bookings > 1
    WINDOW reservation_night AS (
        PARTITION BY hotel_id, night_of_stay, room_reservation_id
        ORDER BY event_at, status, event_id
    )
)

SELECT
    'booked_before_cancelled',
    hotel_id,
    night_of_stay,
    event_id,
    status,
    room_reservation_id,
    event_at,
    NULL::timestamptz
FROM {events} AS looked_at
LEFT JOIN booked USING (hotel_id, night_of_stay, room_reservation_id)
WHERE status = 'cancellation' AND coalesce(first_at > event_at, TRUE)
UNION ALL
SELECT
    'no_double_booking',
    hotel_id,
    night_of_stay,
    event_id,
    status,
    room_reservation_id,
    event_at,
    before_at
FROM in_order
WHERE status = 'booking' AND status_before = 'booking'
UNION ALL
SELECT
    'event_before_stay',
    hotel_id,
    night_of_stay,
    event_id,
    status,
    room_reservation_id,
    event_at,
    NULL::timestamptz
FROM {events} AS looked_at
WHERE (event_at AT TIME ZONE 'UTC')::date > night_of_stay
