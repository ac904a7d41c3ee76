-- Counts that differ from a recount of all counted events, on either axis.
INSERT INTO bookings.findings
(rule, hotel_id, day, axis, bookings, recounted_bookings, cancellations, recounted_cancellations)
WITH counted AS NOT MATERIALIZED (
    SELECT hotel_id, event_at, night_of_stay, status
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
    GROUP BY hotel_id, day
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

stored AS (
    SELECT 'event_day' AS axis, hotel_id, day, bookings, cancellations
    FROM metrics.hotel_bookings_by_event_day
    UNION ALL
    SELECT 'stay_night', hotel_id, day, bookings, cancellations
    FROM metrics.hotel_bookings_by_stay_night
)

SELECT
    'matches_recount',
    hotel_id,
    day,
    axis,
    stored.bookings,
    anew.bookings,
    stored.cancellations,
    anew.cancellations
FROM stored
FULL JOIN anew USING (axis, hotel_id, day)
WHERE (stored.bookings, stored.cancellations) IS DISTINCT FROM (anew.bookings, anew.cancellations)
