-- All events of the nights with new ones.
CREATE TEMPORARY TABLE nights ON COMMIT DROP AS
SELECT DISTINCT hotel_id, night_of_stay
FROM bookings.events
WHERE load_number > :done AND load_number <= :last;

ANALYZE nights;

CREATE TEMPORARY TABLE of_nights ON COMMIT DROP AS
SELECT events.*
FROM nights
INNER JOIN bookings.events USING (hotel_id, night_of_stay);

ANALYZE of_nights;

DELETE FROM bookings.findings
USING nights
WHERE
    findings.hotel_id = nights.hotel_id
    AND findings.day = nights.night_of_stay
    AND findings.rule <> 'matches_recount';
