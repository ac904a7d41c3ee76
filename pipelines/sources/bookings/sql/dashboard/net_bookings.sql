-- Equals on_the_books, unless the source books or cancels a night twice. Uses the counts, so that
-- it is fast for many hotels.
SELECT
    nights.night_of_stay::date AS night_of_stay,
    coalesce(booked.net_bookings, 0)::bigint AS on_the_books
FROM generate_series(
    current_date::timestamp, current_date + %(nights)s - 1, interval '1 day'
) AS nights (night_of_stay)
LEFT JOIN (
    SELECT
        day,
        sum(net_bookings) AS net_bookings
    FROM metrics.hotel_bookings_by_stay_night
    WHERE
        hotel_id = ANY (%(hotels)s::bigint[])
        AND day >= current_date
        AND day < current_date + %(nights)s
    GROUP BY day
) AS booked ON booked.day = nights.night_of_stay::date
ORDER BY nights.night_of_stay;
