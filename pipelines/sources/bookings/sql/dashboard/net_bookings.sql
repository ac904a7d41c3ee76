-- Equals on_the_books, unless the source books or cancels a night twice. Uses the counts, so that
-- it is fast for many hotels.
SELECT
    nights.night_of_stay::date AS night_of_stay,
    coalesce(sum(counts.net_bookings), 0)::bigint AS on_the_books
FROM generate_series(
    current_date::timestamp, current_date + %(nights)s - 1, interval '1 day'
) AS nights (night_of_stay)
LEFT JOIN metrics.hotel_bookings_by_stay_night AS counts
    ON counts.day = nights.night_of_stay::date
    AND counts.hotel_id = ANY (%(hotels)s::bigint[])
    AND counts.day >= current_date AND counts.day < current_date + %(nights)s
GROUP BY nights.night_of_stay
ORDER BY nights.night_of_stay;
