-- The hotel that is furthest behind last year for the next 30 nights, at the same lead time. Only
-- where a tenth or more is missing, and where there are events of 30 days before that time.
-- Work: linear, 1,500 buffers
SELECT
    coalesce(hotel_name, 'Hotel ' || hotel_id) AS link_hotel,
    30 AS link_nights,
    coalesce(hotel_name, 'Hotel ' || hotel_id) AS hotel,
    on_the_books AS this_year,
    on_the_books_last_year AS last_year,
    -change_pct / 100 AS behind
FROM metrics.hotels_same_time_last_year(current_date, current_date + 30) AS hotels
WHERE
    bookings.counted_from(hotels.hotel_id) < current_date - 394
    AND on_the_books_last_year >= 30
    AND change_pct < -10
    AND (SELECT count(*) FROM enriched.hotels) <= 250
ORDER BY behind DESC
LIMIT 1;
