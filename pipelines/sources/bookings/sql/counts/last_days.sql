-- Bookings and cancellations of all hotels on the last :days days that have any.
SELECT
    day,
    sum(bookings) AS bookings,
    sum(cancellations) AS cancellations
FROM metrics.hotel_bookings_by_event_day
WHERE day > (
    SELECT max(day) FROM metrics.hotel_bookings_by_event_day
    WHERE day <= (now() AT TIME ZONE 'UTC')::date
) - :days
    AND day <= (now() AT TIME ZONE 'UTC')::date
GROUP BY day
ORDER BY day
