CREATE OR REPLACE VIEW enriched.reservation_nights AS
SELECT
    hotel_id,
    night_of_stay,
    room_reservation_id,
    CASE
        WHEN booked_at IS NULL THEN 'never_booked'
        WHEN last_cancelled_at >= last_booked_at THEN 'cancelled'
        ELSE 'booked'
    END AS state,
    booked_at,
    CASE
        WHEN booked_at IS NULL OR last_cancelled_at >= last_booked_at THEN last_cancelled_at
    END AS cancelled_at,
    bookings,
    cancellations,
    night_of_stay - (booked_at AT TIME ZONE 'UTC')::date AS lead_time_days
FROM (
    SELECT
        hotel_id,
        night_of_stay,
        room_reservation_id,
        min(event_at) FILTER (WHERE status = 'booking') AS booked_at,
        max(event_at) FILTER (WHERE status = 'booking') AS last_booked_at,
        max(event_at) FILTER (WHERE status = 'cancellation') AS last_cancelled_at,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM bookings.events
    GROUP BY hotel_id, night_of_stay, room_reservation_id
) AS nights;

COMMENT ON VIEW enriched.reservation_nights IS
'Each night of each reservation of a hotel, one row each, as its events leave it. Quick for a hotel_id
and some nights, and for a room_reservation_id.';
COMMENT ON COLUMN enriched.reservation_nights.hotel_id IS 'The hotel, as its system numbers it.';
COMMENT ON COLUMN enriched.reservation_nights.night_of_stay IS
'The night, by the day it begins on.';
COMMENT ON COLUMN enriched.reservation_nights.room_reservation_id IS 'The reservation.';
COMMENT ON COLUMN enriched.reservation_nights.state IS
'By its last event, at the same time a cancellation: booked or cancelled; never_booked where there
are cancellations alone.';
COMMENT ON COLUMN enriched.reservation_nights.booked_at IS
'When it was first booked; null when it never was.';
COMMENT ON COLUMN enriched.reservation_nights.cancelled_at IS
'When it was last cancelled; null while it is booked.';
COMMENT ON COLUMN enriched.reservation_nights.bookings IS
'How often it was booked; more than once without cancellations between is an error of the source.';
COMMENT ON COLUMN enriched.reservation_nights.cancellations IS 'How often it was cancelled.';
COMMENT ON COLUMN enriched.reservation_nights.lead_time_days IS
'Days from the UTC day of booked_at to the night; negative when it was booked after the night began,
null when it never was.';
