-- What is on the books for each night, and the same weekday 52 weeks ago as it was on the books at the same lead time:
-- of the hotels that have events of a month before that time, and for these what is on the books now, too.
WITH chosen AS (
    SELECT hotel_id, bookings.counted_from(hotel_id) < current_date - 394 AS has_last_year
    FROM unnest(%(hotels)s::bigint[]) AS every (hotel_id)
),

a_year_ago AS (
    SELECT night_of_stay + 364 AS night_of_stay, sum(on_the_books)::bigint AS last_year
    FROM chosen
    CROSS JOIN LATERAL metrics.hotel_on_the_books(
        chosen.hotel_id, now() - interval '364 days', current_date - 364, current_date - 364 + %(nights)s
    )
    WHERE has_last_year
    GROUP BY 1
)

SELECT
    night_of_stay,
    sum(on_the_books)::bigint AS on_the_books,
    sum(pickup_1_day)::bigint AS pickup_1_day,
    sum(pickup_7_days)::bigint AS pickup_7_days,
    sum(pickup_30_days)::bigint AS pickup_30_days,
    (SELECT count(*) FROM chosen WHERE has_last_year) AS hotels_compared,
    (SELECT count(*) FROM chosen WHERE has_last_year IS NOT NULL) AS hotels,
    (sum(on_the_books) FILTER (WHERE has_last_year))::bigint AS this_year,
    min(last_year) AS last_year
FROM chosen
CROSS JOIN LATERAL metrics.hotel_pickup(hotel_id, current_date, current_date + %(nights)s, now())
LEFT JOIN a_year_ago USING (night_of_stay)
GROUP BY night_of_stay
ORDER BY night_of_stay;
