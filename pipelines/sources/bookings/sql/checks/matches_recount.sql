-- Counts that differ from a recount of all counted events, on either axis.
WITH counted AS NOT MATERIALIZED (
    SELECT hotel_id, event_at, night_of_stay, status
    FROM bookings.events
    WHERE load_number <= (
        SELECT position FROM ops.watermarks WHERE name = 'metrics.hotel_bookings'
    )
),

by_event_day AS (
    SELECT
        hotel_id,
        (event_at AT TIME ZONE 'UTC')::date AS day,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM counted
    GROUP BY hotel_id, day
),

by_stay_night AS (
    SELECT
        hotel_id,
        night_of_stay AS day,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM counted
    GROUP BY hotel_id, day
)

SELECT
    'event_day' AS axis,
    hotel_id,
    day,
    stored.bookings,
    anew.bookings AS bookings_anew,
    stored.cancellations,
    anew.cancellations AS cancellations_anew
FROM metrics.hotel_bookings_by_event_day AS stored
FULL JOIN by_event_day AS anew USING (hotel_id, day)
WHERE (stored.bookings, stored.cancellations) IS DISTINCT FROM (anew.bookings, anew.cancellations)
UNION ALL
SELECT
    'stay_night',
    hotel_id,
    day,
    stored.bookings,
    anew.bookings,
    stored.cancellations,
    anew.cancellations
FROM metrics.hotel_bookings_by_stay_night AS stored
FULL JOIN by_stay_night AS anew USING (hotel_id, day)
WHERE (stored.bookings, stored.cancellations) IS DISTINCT FROM (anew.bookings, anew.cancellations)
ORDER BY hotel_id, day
