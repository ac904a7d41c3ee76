-- Hotels with events on at least 14 of the 28 days before the last three days, and none in the last
-- three.
WITH newest AS (
    SELECT date_trunc('day', max(event_at), 'UTC') AS day
    FROM bookings.events
    WHERE event_at <= now()
)

SELECT
    events.hotel_id,
    max(events.event_at) AS last_event_at,
    count(DISTINCT date_trunc('day', events.event_at, 'UTC')) AS days_with_events
FROM newest
INNER JOIN bookings.events
    ON events.event_at >= newest.day - interval '30 days'
    AND events.event_at <= now()
GROUP BY events.hotel_id, newest.day
HAVING max(events.event_at) < newest.day - interval '2 days'
    AND count(DISTINCT date_trunc('day', events.event_at, 'UTC')) >= 14
ORDER BY events.hotel_id
