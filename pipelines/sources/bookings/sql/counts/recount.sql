-- Recount all events up to the last load and write the counts that differ, usually few. {day} is the
-- expression for the day by which {table} counts an event.
CREATE TEMP TABLE recounted ON COMMIT DROP AS
SELECT
    hotel_id,
    day,
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
WHERE (stored.bookings, stored.cancellations) IS DISTINCT FROM (anew.bookings, anew.cancellations);

DELETE FROM {table} AS stored
USING recounted
WHERE stored.hotel_id = recounted.hotel_id
    AND stored.day = recounted.day
    AND recounted.bookings IS NULL;

INSERT INTO {table} (hotel_id, day, bookings, cancellations)
SELECT hotel_id, day, bookings, cancellations
FROM recounted
WHERE bookings IS NOT NULL
ORDER BY hotel_id, day
ON CONFLICT (hotel_id, day) DO UPDATE SET
    bookings = excluded.bookings,
    cancellations = excluded.cancellations;

DROP TABLE recounted;
