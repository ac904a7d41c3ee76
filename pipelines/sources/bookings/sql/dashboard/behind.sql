-- The hotel that is furthest behind last year for the next 30 nights, at the same lead time. Only
-- where a tenth or more is missing, and where there are events of 30 days before that time. It is
-- called as on the page, where hotels of one name have their numbers.
SELECT
    named.hotel AS link_hotel,
    30 AS link_nights,
    named.hotel,
    found.on_the_books AS this_year,
    found.on_the_books_last_year AS last_year,
    -found.change_pct / 100 AS behind
FROM (
    SELECT *
    FROM metrics.hotels_same_time_last_year(current_date, current_date + 30) AS hotels
    WHERE
        bookings.counted_from(hotels.hotel_id) < current_date - 394
        AND on_the_books_last_year >= 30
        AND change_pct < -10
        AND (SELECT count(*) FROM enriched.hotels) <= 250
    ORDER BY change_pct
    LIMIT 1
) AS found
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN found.hotel_name IS NULL THEN 'Hotel ' || found.hotel_id
            WHEN count(*) > 1 THEN found.hotel_name || ' (' || found.hotel_id || ')'
            ELSE found.hotel_name
        END AS hotel
    FROM enriched.hotels
    WHERE hotels.hotel_name = found.hotel_name
) AS named;
