SELECT
    days_before_arrival,
    sum(on_the_books)::bigint AS this_year,
    sum(on_the_books_last_year)::bigint AS last_year
FROM unnest(%(hotels)s::bigint[]) AS hotel_id
CROSS JOIN LATERAL metrics.hotel_pace(
    hotel_id,
    date_trunc('month', current_date + interval '1 month')::date,
    date_trunc('month', current_date + interval '2 months')::date,
    now(),
    90
)
GROUP BY days_before_arrival
ORDER BY days_before_arrival DESC;
