-- The nights whose book is made anew: those with fresh events, and all of hotels whose days have changed.
-- All their events, and their book as it is kept.
CREATE TEMP TABLE book_nights ON COMMIT DROP AS
SELECT hotel_id, night_of_stay
FROM fresh_events
UNION
SELECT hotel_id, night_of_stay
FROM bookings.events
WHERE hotel_id IN (
    SELECT hotel_id
    FROM bookings.books
    LEFT JOIN book_days AS days USING (hotel_id)
    WHERE (books.time_zone, books.day_begins) IS DISTINCT FROM (days.time_zone, days.day_begins)
);

ANALYZE book_nights;

CREATE TEMP TABLE book_events ON COMMIT DROP AS
SELECT events.*
FROM book_nights
INNER JOIN bookings.events USING (hotel_id, night_of_stay);

ANALYZE book_events;

CREATE TEMP TABLE book_kept ON COMMIT DROP AS
SELECT hotel_book.*
FROM book_nights
INNER JOIN metrics.hotel_book USING (hotel_id, night_of_stay);

ANALYZE book_kept;
