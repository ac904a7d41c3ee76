CREATE OR REPLACE VIEW metrics.hotel_stays AS
SELECT
    stays.hotel_id,
    by_month.axis,
    date_trunc('month', by_month.day::timestamp)::date AS month_from,
    count(*) AS reservations,
    count(*) FILTER (WHERE stays.nights_booked = 0) AS cancelled,
    round(count(*) FILTER (WHERE stays.nights_booked = 0)::numeric / count(*), 4)::double precision
    AS cancellation_ratio,
    round(avg(stays.arrival_on - stays.booked_on), 2) AS booking_window_days,
    round(avg(stays.nights_booked) FILTER (WHERE stays.nights_booked > 0), 2) AS length_of_stay_nights
FROM (
    SELECT
        changes.hotel_id,
        min(changes.night_of_stay) AS arrival_on,
        CASE
            WHEN hotels.time_zone IS NULL THEN (min(changes.changed_at) AT TIME ZONE 'UTC')::date
            ELSE ((min(changes.changed_at) AT TIME ZONE hotels.time_zone) - (hotels.day_begins - time '00:00'))::date
        END AS booked_on,  -- nodes of a cluster have no functions
        sum(changes.change) AS nights_booked
    FROM enriched.reservation_changes AS changes
    LEFT JOIN bookings.hotels USING (hotel_id)
    GROUP BY changes.hotel_id, changes.room_reservation_id, hotels.time_zone, hotels.day_begins
) AS stays
CROSS JOIN LATERAL (
    VALUES ('arrival', stays.arrival_on), ('booking', stays.booked_on)
) AS by_month (axis, day)
GROUP BY stays.hotel_id, by_month.axis, 3;

COMMENT ON VIEW metrics.hotel_stays IS
'Booking window, length of stay and cancellation rate of each hotel by month: each reservation counts
once, however many nights it has. There are two rows per month, by axis. Reads all events of the
hotel: filter by hotel_id. By night, see enriched.reservation_nights.';
COMMENT ON COLUMN metrics.hotel_stays.axis IS
'The month that counts: arrival, of the first night that was ever booked, or booking, of the business
day on which the first night was booked.';
COMMENT ON COLUMN metrics.hotel_stays.month_from IS 'First day of the month.';
COMMENT ON COLUMN metrics.hotel_stays.reservations IS 'Reservations that were ever booked.';
COMMENT ON COLUMN metrics.hotel_stays.cancelled IS 'Those of which no night is booked now.';
COMMENT ON COLUMN metrics.hotel_stays.cancellation_ratio IS 'cancelled / reservations, 0 to 1.';
COMMENT ON COLUMN metrics.hotel_stays.booking_window_days IS
'Mean of the days from the business day on which a reservation was first booked to its arrival;
negative if most were entered after it.';
COMMENT ON COLUMN metrics.hotel_stays.length_of_stay_nights IS
'Mean of the booked nights of the reservations that are not cancelled; null if all are.';
