-- A stored event that was sent without an id gets the id with which it is sent now. If two events
-- are sent with one id, the first gets it.
WITH firsts AS (
    SELECT DISTINCT ON (event_id)
        event_id,
        bookings.made_up_id(
            hotel_id, event_at, status, room_reservation_id, night_of_stay
        ) AS made_up_id
    FROM stage_events
    WHERE event_id >= 0
        AND EXISTS (SELECT FROM bookings.events WHERE events.event_id < 0)
    ORDER BY event_id, record
)

UPDATE bookings.events AS stored
SET event_id = named.event_id, delivery_id = :delivery_id
FROM (
    SELECT
        made_up_id,
        min(event_id) AS event_id
    FROM firsts
    WHERE NOT EXISTS (SELECT FROM bookings.events WHERE events.event_id = firsts.event_id)
    GROUP BY made_up_id
) AS named
WHERE stored.event_id = named.made_up_id AND stored.event_id < 0
