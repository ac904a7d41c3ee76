-- Whether none of these ids is held, nor any event that may yet get one of them.
SELECT
    NOT EXISTS (SELECT FROM bookings.events WHERE event_id < 0)
    AND NOT EXISTS (SELECT FROM bookings.events WHERE event_id = ANY (CAST(:ids AS bigint [])))
