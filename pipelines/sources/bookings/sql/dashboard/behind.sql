-- The hotel that is furthest behind last year for the next 30 nights, at the same lead time, by a
-- tenth or more. It is called as on the page.
SELECT
    hotel AS link_hotel,
    30 AS link_nights,
    hotel,
    books.on_the_books AS this_year,
    books.on_the_books_last_year AS last_year,
    -books.change_pct / 100 AS behind
FROM (
    SELECT min(business_day) AS tonight FROM enriched.hotels HAVING count(*) <= 250
) AS now
CROSS JOIN LATERAL metrics.hotels_at_close(now.tonight, now.tonight + 30, NULL, now.tonight - 1) AS books
INNER JOIN (
    SELECT
        hotel_id,
        CASE
            WHEN hotel_name IS NULL THEN 'Hotel ' || hotel_id
            WHEN count(*) OVER (PARTITION BY hotel_name) > 1 THEN hotel_name || ' (' || hotel_id || ')'
            ELSE hotel_name
        END AS hotel
    FROM enriched.hotels
) AS hotels USING (hotel_id)
WHERE books.on_the_books_last_year >= 30 AND books.change_pct < -10
ORDER BY books.change_pct
LIMIT 1;
