-- Each hotel: what it has on the books at the close of the last business day, beside last year at the same lead time, its
-- pickup, and its last whole month beside the same month a year before. Furthest behind last year first.
SELECT
    names.hotel_name,
    books.on_the_books,
    books.on_the_books_last_year AS last_year,
    books.change,
    books.change_pct,
    books.pickup_7_days,
    books.pickup_7_days_before,
    CASE WHEN hotels.first_day <= times.last_month THEN month.on_the_books END AS last_month,
    CASE WHEN hotels.first_day <= times.a_year_before THEN before.on_the_books END AS month_a_year_before
FROM (
    SELECT
        tonight,
        (date_trunc('month', tonight::timestamp) - interval '1 month')::date AS last_month,
        date_trunc('month', tonight::timestamp)::date AS this_month,
        (date_trunc('month', tonight::timestamp) - interval '13 months')::date AS a_year_before,
        (date_trunc('month', tonight::timestamp) - interval '12 months')::date AS its_end
    FROM (
        SELECT min(business_day) AS tonight FROM enriched.hotels
    ) AS now
) AS times
CROSS JOIN unnest(%(hotels)s::bigint[], %(names)s::text[]) AS names (hotel_id, hotel_name)
INNER JOIN enriched.hotels USING (hotel_id)
INNER JOIN LATERAL metrics.hotels_at_close(
    times.tonight, times.tonight + %(nights)s, NULL, times.tonight - 1, %(hotels)s::bigint[]
) AS books USING (hotel_id)
INNER JOIN LATERAL metrics.hotels_at_close(
    times.last_month, times.this_month, NULL, times.this_month - 1, %(hotels)s::bigint[]
) AS month USING (hotel_id)
INNER JOIN LATERAL metrics.hotels_at_close(
    times.a_year_before, times.its_end, NULL, times.its_end - 1, %(hotels)s::bigint[]
) AS before USING (hotel_id)
ORDER BY books.change_pct NULLS LAST, names.hotel_name;
