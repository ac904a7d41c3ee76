-- The hotel that is furthest behind last year for the next 30 nights, at the same lead time, by a
-- tenth or more, where there are events of 30 days before that time. It is called as on the page.
SELECT
    hotel AS link_hotel,
    30 AS link_nights,
    hotel,
    on_the_books AS this_year,
    on_the_books_last_year AS last_year,
    -change_pct / 100 AS behind
FROM (
    SELECT
        *,
        CASE
            WHEN hotel_name IS NULL THEN 'Hotel ' || hotel_id
            WHEN count(*) OVER (PARTITION BY hotel_name) > 1 THEN hotel_name || ' (' || hotel_id || ')'
            ELSE hotel_name
        END AS hotel
    FROM metrics.hotels_same_time_last_year(current_date, current_date + 30)
    WHERE (SELECT count(*) FROM enriched.hotels) <= 250
) AS hotels
WHERE
    bookings.counted_from(hotel_id) < current_date - 394
    AND on_the_books_last_year >= 30
    AND change_pct < -10
ORDER BY change_pct
LIMIT 1;
