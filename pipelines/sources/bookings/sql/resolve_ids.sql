-- An event without an id gets the id of an event with equal fields, in this delivery or stored;
-- otherwise its id is derived from its fields. An id that another event has, here or stored, is not
-- reused.
ANALYZE stage_events;

UPDATE stage_events AS nameless
SET event_id = named.event_id
FROM (
    SELECT DISTINCT ON (event_id) *
    FROM stage_events
    WHERE event_id IS NOT NULL
    ORDER BY event_id, record
) AS named
WHERE nameless.event_id IS NULL
    AND NOT EXISTS (SELECT FROM bookings.events WHERE events.event_id = named.event_id)
    AND (
        nameless.hotel_id,
        nameless.event_at,
        nameless.status,
        nameless.room_reservation_id,
        nameless.night_of_stay
    ) = (
        named.hotel_id,
        named.event_at,
        named.status,
        named.room_reservation_id,
        named.night_of_stay
    );

UPDATE stage_events AS nameless
SET event_id = stored.event_id
FROM bookings.events AS stored
WHERE nameless.event_id IS NULL
    AND stored.event_id >= 0
    AND (
        nameless.hotel_id,
        nameless.event_at,
        nameless.status,
        nameless.room_reservation_id,
        nameless.night_of_stay
    ) = (
        stored.hotel_id,
        stored.event_at,
        stored.status,
        stored.room_reservation_id,
        stored.night_of_stay
    );

UPDATE stage_events
SET event_id = bookings.made_up_id(
    hotel_id, event_at, status, room_reservation_id, night_of_stay
)
WHERE event_id IS NULL
