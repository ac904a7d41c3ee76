-- Among {events}, which are all of their nights: cancellations without an earlier or simultaneous
-- booking, bookings directly after another one, and events dated after their night had passed.
INSERT INTO bookings.findings
(rule, hotel_id, day, event_id, status, room_reservation_id, event_at, booked_before_at)
WITH booked AS (
    SELECT
        hotel_id, night_of_stay, room_reservation_id,
        min(event_at) AS first_at,
        count(*) AS bookings
    FROM {events} AS looked_at
    WHERE status = 'booking'
    GROUP BY hotel_id, night_of_stay, room_reservation_id
),

in_order AS (  -- of nights with several bookings alone: sorting all takes four times as long
    SELECT
        looked_at.*,
        CASE
            WHEN lag(status) OVER reservation_night = 'booking' THEN lag(event_at) OVER reservation_night
        END AS booked_before_at
    FROM {events} AS looked_at
    INNER JOIN booked USING (hotel_id, night_of_stay, room_reservation_id)
    WHERE booked.bookings > 1
    WINDOW reservation_night AS (
        PARTITION BY hotel_id, night_of_stay, room_reservation_id
        ORDER BY event_at, status, event_id
    )
),

found AS (
    SELECT 'booked_before_cancelled' AS rule, looked_at.*, NULL::timestamptz AS booked_before_at
    FROM {events} AS looked_at
    LEFT JOIN booked USING (hotel_id, night_of_stay, room_reservation_id)
    WHERE status = 'cancellation' AND coalesce(first_at > event_at, TRUE)
    UNION ALL
    SELECT 'no_double_booking', in_order.*
    FROM in_order
    WHERE status = 'booking' AND booked_before_at IS NOT NULL
    UNION ALL
    SELECT 'event_before_stay', looked_at.*, NULL
    FROM {events} AS looked_at
    WHERE (event_at AT TIME ZONE 'UTC')::date > night_of_stay
)

SELECT rule, hotel_id, night_of_stay, event_id, status, room_reservation_id, event_at, booked_before_at
FROM found
