-- An event without an id gets the id of an event with equal fields, in this delivery or stored;
-- otherwise its id is derived from its fields. An id that another event has, here or stored, is not
-- reused.
ANALYZE stage_events;

WITH stored_ids AS MATERIALIZED (
    SELECT event_id FROM stage_events INNER JOIN bookings.events USING (event_id)
)

UPDATE stage_events AS nameless
SET event_id = named.event_id
FROM (
    SELECT DISTINCT ON (event_id) *
    FROM stage_events
    WHERE event_id IS NOT NULL
    ORDER BY event_id, record
) AS named
WHERE nameless.event_id IS NULL
    AND named.event_id NOT IN (TABLE stored_ids)
    AND (
        nameless.hotel_id, nameless.event_at, nameless.status, nameless.room_reservation_id,
        nameless.night_of_stay
    ) = (
        named.hotel_id, named.event_at, named.status, named.room_reservation_id, named.night_of_stay
    );

WITH named AS MATERIALIZED (
    SELECT
        nameless.record,
        stored.event_id
    FROM stage_events AS nameless
    INNER JOIN bookings.events AS stored
        USING (hotel_id, event_at, status, room_reservation_id, night_of_stay)
    WHERE nameless.event_id IS NULL AND stored.event_id >= 0
)

UPDATE stage_events AS nameless
SET event_id = named.event_id
FROM named
WHERE nameless.record = named.record;

UPDATE stage_events
SET event_id = bookings.made_up_id(hotel_id, event_at, status, room_reservation_id, night_of_stay)
WHERE event_id IS NULL
