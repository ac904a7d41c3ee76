-- Until the audit of the hotels ends, nothing is counted: counts and events are of one moment.
LOCK TABLE metrics.hotel_bookings_by_event_day IN SHARE MODE;

CREATE TEMPORARY TABLE audited_events ON COMMIT DROP AS
SELECT event_id, hotel_id, status, room_reservation_id, night_of_stay, event_at, load_number
FROM bookings.events
WHERE hotel_id = ANY(:hotels);

ANALYZE audited_events;

DELETE FROM bookings.findings WHERE hotel_id = ANY(:hotels);

INSERT INTO bookings.audits (hotel_id, load_number, audited_at)
SELECT hotel_id, :last, clock_timestamp()
FROM unnest(:hotels) AS hotel_id
ON CONFLICT (hotel_id) DO UPDATE SET
    load_number = excluded.load_number,
    audited_at = excluded.audited_at;
