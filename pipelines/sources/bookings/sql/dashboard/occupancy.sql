-- Only whole weeks: from this Monday to the end of the week of the last night.
SELECT
    books.hotel_id,
    names.hotel_name,
    books.period_start,
    books.on_the_books AS rooms_booked,
    books.rooms_available,
    books.occupancy
FROM (
    SELECT
        tonight,
        date_trunc('week', tonight::timestamp)::date AS monday,
        date_trunc('week', tonight::timestamp + %(nights)s * interval '1 day' + interval '6 days')::date AS until
    FROM (
        SELECT min(business_day) AS tonight FROM enriched.hotels
    ) AS now
) AS weeks
CROSS JOIN LATERAL metrics.hotels_at_close(
    weeks.monday, weeks.until, 'week', weeks.tonight - 1, %(hotels)s::bigint[]
) AS books
INNER JOIN unnest(%(hotels)s::bigint[], %(names)s::text[]) AS names (hotel_id, hotel_name) USING (hotel_id)
WHERE books.occupancy IS NOT NULL
ORDER BY names.hotel_name, books.period_start;
