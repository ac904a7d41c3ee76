-- Hotels with events on 14 or more of the 28 days before the last three, and none in these.
WITH newest AS (
    SELECT (max(event_at) AT TIME ZONE 'UTC')::date AS day
    FROM bookings.events
    WHERE event_at <= now()
)

SELECT
    counts.hotel_id,
    max(counts.day) AS last_event_on,
    count(*) FILTER (WHERE counts.day <= newest.day - 3) AS days_with_events
FROM newest
INNER JOIN metrics.hotel_bookings_by_event_day AS counts
    ON counts.day > newest.day - 31 AND counts.day <= newest.day
GROUP BY counts.hotel_id, newest.day
HAVING max(counts.day) <= newest.day - 3
    AND count(*) FILTER (WHERE counts.day <= newest.day - 3) >= 14
ORDER BY counts.hotel_id
