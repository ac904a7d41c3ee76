-- The counts that differ from a recount of all events up to the last load. Usually few. {day} is the expression for the day by which {table} counts an event.
CREATE TEMP TABLE differing ON COMMIT DROP AS
SELECT
    hotel_id,
    day,
    stored.bookings AS stored_bookings,
    stored.cancellations AS stored_cancellations,
    anew.bookings,
    anew.cancellations
FROM {table} AS stored
FULL JOIN (
    SELECT
        hotel_id,
        {day} AS day,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM bookings.events
    WHERE load_number <= :last
    GROUP BY hotel_id, {day}
) AS anew USING (hotel_id, day)
WHERE (stored.bookings, stored.cancellations) IS DISTINCT FROM (anew.bookings, anew.cancellations)
