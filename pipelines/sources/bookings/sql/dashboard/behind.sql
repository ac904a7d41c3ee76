-- The hotel that is furthest behind last year for the next 30 nights, at the same lead time: the
-- same weekdays 52 weeks ago, as they were on the books then. Only where a tenth or more is missing,
-- and where there are events of 30 days before that time.
-- Work: linear, 1,500 buffers
SELECT
    coalesce(hotels.hotel_name, 'Hotel ' || hotels.hotel_id) AS link_hotel,
    coalesce(hotels.hotel_name, 'Hotel ' || hotels.hotel_id) AS hotel,
    books.this_year,
    books.last_year,
    1 - books.this_year / books.last_year AS behind
FROM enriched.hotels AS hotels
CROSS JOIN LATERAL (
    SELECT
        (
            SELECT sum(on_the_books)
            FROM metrics.hotel_on_the_books(
                hotels.hotel_id, now(), current_date, current_date + 30
            )
        ) AS this_year,
        (
            SELECT sum(on_the_books)
            FROM metrics.hotel_on_the_books(
                hotels.hotel_id, now() - interval '364 days', current_date - 364, current_date - 334
            )
        ) AS last_year
) AS books
WHERE
    EXISTS (
        SELECT FROM metrics.hotel_bookings_by_event_day AS counts
        WHERE counts.hotel_id = hotels.hotel_id AND counts.day < current_date - 394
    )
    AND books.last_year >= 30
    AND books.this_year < 0.9 * books.last_year
    AND (SELECT count(*) FROM enriched.hotels) <= 250
ORDER BY behind DESC
LIMIT 1;
