-- A stored event that was sent without an id gets the id with which it is sent now. If two events
-- are sent with one id, the first gets it.
WITH stored_ids AS MATERIALIZED (
    SELECT event_id FROM stage_events INNER JOIN bookings.events USING (event_id)
),

firsts AS (
    SELECT DISTINCT ON (event_id)
        event_id,
        bookings.made_up_id(hotel_id, event_at, status, room_reservation_id, night_of_stay)
            AS made_up_id
    FROM stage_events
    WHERE event_id >= 0 AND (SELECT min(event_id) FROM bookings.events) < 0
    ORDER BY event_id, record
),

named AS MATERIALIZED (
    SELECT
        made_up_id,
        min(event_id) AS event_id
    FROM firsts
    WHERE event_id NOT IN (TABLE stored_ids)
    GROUP BY made_up_id
)

UPDATE bookings.events AS stored
SET event_id = named.event_id, delivery_id = :delivery_id
FROM named
WHERE stored.event_id = named.made_up_id AND stored.event_id < 0
