-- What is on the books for each night, beside the same weekday 52 weeks ago as it was on the books
-- at the same lead time. Last year is null for a hotel without events of a month before that time.
WITH nights AS (
    SELECT night_of_stay AS night, on_the_books AS this_year, NULL::bigint AS last_year
    FROM unnest(%(hotels)s::bigint[]) AS chosen (hotel_id)
    CROSS JOIN LATERAL metrics.hotel_on_the_books(chosen.hotel_id, now(), current_date, current_date + %(nights)s)
    UNION ALL
    SELECT night_of_stay + 364, NULL, on_the_books
    FROM unnest(%(hotels)s::bigint[]) AS chosen (hotel_id)
    CROSS JOIN LATERAL metrics.hotel_on_the_books(
        chosen.hotel_id, now() - interval '364 days', current_date - 364, current_date - 364 + %(nights)s
    )
    WHERE bookings.counted_from(chosen.hotel_id) < current_date - 394
)

SELECT
    night AS night_of_stay,
    sum(this_year)::bigint AS this_year,
    sum(last_year)::bigint AS last_year
FROM nights
GROUP BY night
ORDER BY night;
