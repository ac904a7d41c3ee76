CREATE OR REPLACE VIEW enriched.hotel_events AS
SELECT
    events.event_id,
    events.hotel_id,
    hotels.name AS hotel_name,
    events.event_at,
    CASE
        WHEN hotels.time_zone IS NULL THEN (events.event_at AT TIME ZONE 'UTC')::date
        ELSE ((events.event_at AT TIME ZONE hotels.time_zone) - (hotels.day_begins - time '00:00'))::date
    END AS business_day,  -- nodes of a cluster have no functions
    events.status,
    events.room_reservation_id,
    events.night_of_stay
FROM bookings.events
LEFT JOIN bookings.hotels USING (hotel_id);

COMMENT ON VIEW enriched.hotel_events IS
'Every booking and cancellation of a night as sent, one row each, with the hotel. There are indexes on
event_id, on event_at, on hotel_id with night_of_stay, on night_of_stay and on room_reservation_id:
combine a filter by status with one of them.';
COMMENT ON COLUMN enriched.hotel_events.event_id IS
'Event id of the hotel system; if an event has none, a negative id derived from its fields.';
COMMENT ON COLUMN enriched.hotel_events.hotel_name IS 'Name of the hotel; null if not entered.';
COMMENT ON COLUMN enriched.hotel_events.event_at IS 'When the night was booked or cancelled.';
COMMENT ON COLUMN enriched.hotel_events.business_day IS
'Business day of the hotel to which event_at belongs; the day in UTC without a time zone.';
COMMENT ON COLUMN enriched.hotel_events.status IS 'booking or cancellation.';
COMMENT ON COLUMN enriched.hotel_events.room_reservation_id IS 'The reservation.';
COMMENT ON COLUMN enriched.hotel_events.night_of_stay IS
'The night, as the date on which it begins.';
