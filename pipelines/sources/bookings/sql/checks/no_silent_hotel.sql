-- Hotels with events on at least 14 of the 28 days before the last three days, and none in the last
-- three.
WITH newest AS (
    SELECT (max(event_at) AT TIME ZONE 'UTC')::date AS day
    FROM bookings.events
    WHERE event_at <= now()
)

SELECT
    counts.hotel_id,
    max(counts.day) AS last_day_with_events,
    count(*) AS days_with_events
FROM newest
INNER JOIN metrics.hotel_bookings_by_event_day AS counts
    ON counts.day BETWEEN newest.day - 30 AND newest.day
GROUP BY counts.hotel_id, newest.day
HAVING max(counts.day) < newest.day - 2
    AND count(*) >= 14
ORDER BY counts.hotel_id
