-- As on_the_books, unless the source books or cancels a night twice; from the counts, for many hotels.
SELECT
    day AS night_of_stay,
    sum(net_bookings)::bigint AS on_the_books
FROM metrics.hotel_bookings_by_stay_night
WHERE
    hotel_id = ANY (%(hotels)s::bigint[])
    AND day >= current_date
    AND day < current_date + %(nights)s
GROUP BY day
ORDER BY day;
