CREATE OR REPLACE VIEW bookings.stale_books AS
SELECT books.hotel_id
FROM bookings.books
LEFT JOIN bookings.hotels USING (hotel_id)
WHERE
    books.time_zone IS DISTINCT FROM hotels.time_zone
    OR (hotels.time_zone IS NOT NULL AND books.day_begins <> hotels.day_begins)
UNION ALL
SELECT NULL
FROM ops.watermarks
WHERE
    name = 'metrics.hotel_bookings'
    AND position > 0
    AND NOT EXISTS (SELECT FROM bookings.books);

COMMENT ON VIEW bookings.stale_books IS
'Hotels whose book the next refresh makes anew, because bookings.hotels has other days now; usually
none. If events were counted and there is no book at all, one row without a hotel.';
COMMENT ON COLUMN bookings.stale_books.hotel_id IS
'Hotel number in the source system; null: all hotels.';
