-- Write the counts that differ from a recount.
DELETE FROM {table} AS stored
USING differing
WHERE stored.hotel_id = differing.hotel_id
    AND stored.day = differing.day
    AND differing.bookings IS NULL;

INSERT INTO {table} (hotel_id, day, bookings, cancellations)
SELECT hotel_id, day, bookings, cancellations
FROM differing
WHERE bookings IS NOT NULL
ORDER BY hotel_id, day
ON CONFLICT (hotel_id, day) DO UPDATE SET
    bookings = excluded.bookings,
    cancellations = excluded.cancellations;

DROP TABLE differing;
