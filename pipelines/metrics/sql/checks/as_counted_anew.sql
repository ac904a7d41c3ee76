-- Counts that differ from those of all events that were counted, on either axis.
WITH counted AS (
    SELECT *
    FROM bookings.events
    WHERE load_number <= (
        SELECT position FROM ops.watermarks WHERE name = 'metrics.hotel_bookings'
    )
),

anew AS (
    SELECT
        'event_day' AS axis,
        hotel_id,
        (event_at AT TIME ZONE 'UTC')::date AS day,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM counted
    GROUP BY hotel_id, 3
    UNION ALL
    SELECT
        'stay_night',
        hotel_id,
        night_of_stay,
        count(*) FILTER (WHERE status = 'booking'),
        count(*) FILTER (WHERE status = 'cancellation')
    FROM counted
    GROUP BY hotel_id, night_of_stay
),

held AS (
    SELECT 'event_day' AS axis, hotel_id, day, bookings, cancellations
    FROM metrics.hotel_bookings_by_event_day
    UNION ALL
    SELECT 'stay_night', hotel_id, day, bookings, cancellations
    FROM metrics.hotel_bookings_by_stay_night
)

SELECT
    axis,
    hotel_id,
    day,
    held.bookings AS bookings,
    anew.bookings AS bookings_anew,
    held.cancellations AS cancellations,
    anew.cancellations AS cancellations_anew
FROM held
FULL JOIN anew USING (axis, hotel_id, day)
WHERE (held.bookings, held.cancellations) IS DISTINCT FROM (anew.bookings, anew.cancellations)
ORDER BY hotel_id, day
LIMIT 1000
