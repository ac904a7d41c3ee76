-- What is on the books for each night, and the same weekday 52 weeks ago as it was on the books at the same lead time.
-- Last year is null for a hotel without events of a month before that time.
WITH a_year_ago AS (
    SELECT night_of_stay + 364 AS night_of_stay, sum(on_the_books)::bigint AS last_year
    FROM unnest(%(hotels)s::bigint[]) AS chosen (hotel_id)
    CROSS JOIN LATERAL metrics.hotel_on_the_books(
        chosen.hotel_id, now() - interval '364 days', current_date - 364, current_date - 364 + %(nights)s
    )
    WHERE bookings.counted_from(chosen.hotel_id) < current_date - 394
    GROUP BY 1
)

SELECT
    night_of_stay,
    sum(on_the_books)::bigint AS on_the_books,
    sum(pickup_1_day)::bigint AS pickup_1_day,
    sum(pickup_7_days)::bigint AS pickup_7_days,
    sum(pickup_30_days)::bigint AS pickup_30_days,
    min(last_year) AS last_year
FROM unnest(%(hotels)s::bigint[]) AS hotel_id
CROSS JOIN LATERAL metrics.hotel_pickup(hotel_id, current_date, current_date + %(nights)s, now())
LEFT JOIN a_year_ago USING (night_of_stay)
GROUP BY night_of_stay
ORDER BY night_of_stay;
