-- The nights that are looked at: those with fresh events, and all of hotels whose days have changed.
-- All their events, and their book as it is kept.
CREATE TEMP TABLE nights ON COMMIT DROP AS
SELECT hotel_id, night_of_stay
FROM fresh_events
UNION
SELECT hotel_id, night_of_stay
FROM bookings.events
WHERE hotel_id IN (SELECT hotel_id FROM bookings.stale_books);

ANALYZE nights;

CREATE TEMP TABLE of_nights ON COMMIT DROP AS
SELECT events.*
FROM nights
INNER JOIN bookings.events USING (hotel_id, night_of_stay);

CREATE TEMP TABLE kept_book ON COMMIT DROP AS
SELECT hotel_book.*
FROM nights
INNER JOIN metrics.hotel_book USING (hotel_id, night_of_stay);

DELETE FROM bookings.findings
USING nights
WHERE
    findings.hotel_id = nights.hotel_id
    AND findings.day = nights.night_of_stay
    AND findings.rule <> 'matches_recount'
