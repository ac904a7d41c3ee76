-- What is on the books for each night at the close of the last business day, beside the same weekday 52 weeks ago at
-- the same lead time: of the hotels that have last year, and for these what is on the books now, too.
SELECT
    books.period_start AS night_of_stay,
    sum(books.on_the_books)::bigint AS on_the_books,
    sum(books.pickup_1_day)::bigint AS pickup_1_day,
    sum(books.pickup_7_days)::bigint AS pickup_7_days,
    sum(books.pickup_30_days)::bigint AS pickup_30_days,
    count(books.on_the_books_last_year) AS hotels_compared,
    count(*) AS hotels,
    (sum(books.on_the_books) FILTER (WHERE books.on_the_books_last_year IS NOT NULL))::bigint AS this_year,
    sum(books.on_the_books_last_year)::bigint AS last_year,
    books.closed_on
FROM (
    SELECT min(business_day) AS tonight FROM enriched.hotels
) AS now
CROSS JOIN LATERAL metrics.hotels_at_close(
    now.tonight, now.tonight + %(nights)s, 'day', now.tonight - 1, %(hotels)s::bigint[]
) AS books
GROUP BY books.period_start, books.closed_on
ORDER BY books.period_start;
