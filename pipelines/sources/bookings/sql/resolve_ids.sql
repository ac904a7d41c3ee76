-- An event without an id is the one that says the same and has one, in this delivery or held;
-- else its id is made from what it says. An id that is another event's, here or held, is not lent.
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
SET event_id = held.event_id
FROM bookings.events AS held
WHERE nameless.event_id IS NULL
    AND held.event_id >= 0
    AND (
        nameless.hotel_id,
        nameless.event_at,
        nameless.status,
        nameless.room_reservation_id,
        nameless.night_of_stay
    ) = (
        held.hotel_id,
        held.event_at,
        held.status,
        held.room_reservation_id,
        held.night_of_stay
    );

UPDATE stage_events
SET event_id = bookings.made_up_id(
    hotel_id, event_at, status, room_reservation_id, night_of_stay
)
WHERE event_id IS NULL;
