-- Take one event out of the counts of {table}, if a load up to :counted brought it. {day} is the
-- expression for the day by which it counts an event.
UPDATE {table} AS stored
SET
    bookings = stored.bookings - (event.status = 'booking')::integer,
    cancellations = stored.cancellations - (event.status = 'cancellation')::integer
FROM bookings.events AS event
WHERE
    event.event_id = :event_id
    AND event.load_number <= :counted
    AND stored.hotel_id = event.hotel_id
    AND stored.day = {day};

DELETE FROM {table} AS stored
USING bookings.events AS event
WHERE
    event.event_id = :event_id
    AND stored.hotel_id = event.hotel_id
    AND stored.day = {day}
    AND stored.bookings = 0
    AND stored.cancellations = 0
