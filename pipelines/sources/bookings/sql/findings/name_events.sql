-- Findings of events that were sent without an id, and have come with it since.
CREATE TEMP TABLE named ON COMMIT DROP AS
SELECT findings.finding_id, events.event_id
FROM bookings.findings
INNER JOIN bookings.events
    ON findings.hotel_id = events.hotel_id
    AND findings.day = events.night_of_stay
    AND findings.room_reservation_id = events.room_reservation_id
    AND findings.event_at = events.event_at
    AND findings.status = events.status
WHERE findings.event_id < 0 AND events.event_id >= 0;

UPDATE bookings.findings
SET event_id = named.event_id
FROM named
WHERE findings.finding_id = named.finding_id
