-- As on_the_books, unless the source books or cancels a night twice; from the counts, for many hotels.
SELECT
    nights.night_of_stay::date AS night_of_stay,
    coalesce(sum(net_bookings), 0)::bigint AS on_the_books
FROM generate_series(
    current_date::timestamp, current_date + %(nights)s - 1, interval '1 day'
) AS nights (night_of_stay)
LEFT JOIN metrics.hotel_bookings_by_stay_night
    ON day = nights.night_of_stay::date AND hotel_id = ANY (%(hotels)s::bigint[])
GROUP BY nights.night_of_stay
ORDER BY nights.night_of_stay;
