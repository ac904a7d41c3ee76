-- Nights with events that no audit has read.
CREATE TEMPORARY TABLE audited_nights ON COMMIT DROP AS
SELECT DISTINCT events.hotel_id, events.night_of_stay
FROM bookings.events
LEFT JOIN bookings.audits USING (hotel_id)
WHERE
    events.load_number > :audited
    AND events.load_number <= :last
    AND events.load_number > coalesce(audits.load_number, 0);

ANALYZE audited_nights;

CREATE TEMPORARY TABLE audited_events ON COMMIT DROP AS
SELECT
    events.event_id,
    events.hotel_id,
    events.status,
    events.room_reservation_id,
    events.night_of_stay,
    events.event_at
FROM audited_nights
INNER JOIN bookings.events USING (hotel_id, night_of_stay);

ANALYZE audited_events;

DELETE FROM bookings.findings
USING audited_nights
WHERE
    findings.hotel_id = audited_nights.hotel_id
    AND findings.day = audited_nights.night_of_stay
    AND findings.rule <> 'matches_recount';
