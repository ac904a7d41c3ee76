SELECT
    night_of_stay,
    sum(on_the_books)::bigint AS on_the_books,
    sum(pickup_1_day)::bigint AS pickup_1_day,
    sum(pickup_7_days)::bigint AS pickup_7_days,
    sum(pickup_30_days)::bigint AS pickup_30_days
FROM unnest(%(hotels)s::bigint[]) AS hotel_id
CROSS JOIN LATERAL metrics.hotel_pickup(hotel_id, current_date, current_date + %(nights)s, now())
GROUP BY night_of_stay
ORDER BY night_of_stay;
