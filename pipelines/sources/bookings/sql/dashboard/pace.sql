-- Next month beside the same weeks of last year, of the hotels whose events go back that far. If there are none,
-- this year of all.
WITH paces AS (
    SELECT
        pace.*,
        bookings.counted_from(chosen.hotel_id) <= month.first_night - 364 - 90 AS has_last_year
    FROM unnest(%(hotels)s::bigint[]) AS chosen (hotel_id)
    CROSS JOIN (
        SELECT date_trunc('month', current_date + interval '1 month')::date AS first_night
    ) AS month
    CROSS JOIN LATERAL metrics.hotel_pace(
        chosen.hotel_id, month.first_night, (month.first_night + interval '1 month')::date, now(), 90
    ) AS pace
)

SELECT
    days_before_arrival,
    sum(on_the_books)::bigint AS this_year,
    (sum(on_the_books_last_year) FILTER (WHERE has_last_year))::bigint AS last_year
FROM paces
WHERE has_last_year OR NOT (SELECT bool_or(has_last_year) FROM paces)
GROUP BY days_before_arrival
ORDER BY days_before_arrival DESC;
