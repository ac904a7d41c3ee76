CREATE OR REPLACE VIEW enriched.reservation_nights AS
SELECT
    hotel_id, night_of_stay, room_reservation_id,
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
    night_of_stay - CASE
        WHEN hotels.time_zone IS NULL THEN (booked_at AT TIME ZONE 'UTC')::date
        ELSE ((booked_at AT TIME ZONE hotels.time_zone) - (hotels.day_begins - time '00:00'))::date
    END AS lead_time_days  -- nodes of a cluster have no functions
FROM (
    SELECT
        hotel_id, night_of_stay, room_reservation_id,
        min(event_at) FILTER (WHERE status = 'booking') AS booked_at,
        max(event_at) FILTER (WHERE status = 'booking') AS last_booked_at,
        max(event_at) FILTER (WHERE status = 'cancellation') AS last_cancelled_at,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM bookings.events
    GROUP BY hotel_id, night_of_stay, room_reservation_id
) AS nights
LEFT JOIN bookings.hotels USING (hotel_id);

COMMENT ON VIEW enriched.reservation_nights IS
'The current state of each night of each reservation, one row each, derived from its events. Fast if
filtered by hotel_id and a range of night_of_stay, or by room_reservation_id. To count all of its
rows, PostgreSQL reads every event. How many nights are booked is faster from metrics.hotel_book, as
sum(change).';
COMMENT ON COLUMN enriched.reservation_nights.night_of_stay IS
'The night, as the date on which it begins.';
COMMENT ON COLUMN enriched.reservation_nights.room_reservation_id IS 'The reservation.';
COMMENT ON COLUMN enriched.reservation_nights.state IS
'State after the last event: booked or cancelled; never_booked if there are only cancellations. If a
booking and a cancellation have the same time, the cancellation is the last event.';
COMMENT ON COLUMN enriched.reservation_nights.booked_at IS
'When the night was first booked; null if never booked.';
COMMENT ON COLUMN enriched.reservation_nights.cancelled_at IS
'When the night was last cancelled; null while it is booked.';
COMMENT ON COLUMN enriched.reservation_nights.bookings IS
'Number of bookings. More than one booking without a cancellation in between is an error in the
source.';
COMMENT ON COLUMN enriched.reservation_nights.cancellations IS 'Number of cancellations.';
COMMENT ON COLUMN enriched.reservation_nights.lead_time_days IS
'Days from the business day of booked_at (by bookings.hotels.time_zone; in UTC without a zone) to the
night; negative if booked after that day, null if never booked. Of whole reservations, see
metrics.hotel_stays.';
