-- What each hotel has on the books, beside last year at the same lead time, furthest behind first.
-- Last year is null for a hotel without events of a month before that time.
WITH hotels AS (
    SELECT
        names.hotel_name,
        found.on_the_books,
        CASE
            WHEN bookings.counted_from(found.hotel_id) < current_date - 394 THEN found.on_the_books_last_year
        END AS last_year
    FROM unnest(%(hotels)s::bigint[], %(names)s::text[]) AS names (hotel_id, hotel_name)
    INNER JOIN metrics.hotels_same_time_last_year(current_date, current_date + %(nights)s) AS found USING (hotel_id)
)

SELECT
    hotel_name,
    on_the_books,
    last_year,
    on_the_books - last_year AS change,
    round((on_the_books - last_year)::numeric / nullif(last_year, 0), 3) AS change_share
FROM hotels
ORDER BY change_share NULLS LAST, hotel_name;
