-- What changed on the books in the seven business days up to each closed day of the last month, and what is on them for
-- the next nights. A day counts when it is closed at all hotels.
WITH now AS (
    SELECT min(business_day) AS tonight FROM enriched.hotels
),

days AS (
    SELECT
        now.tonight - number AS day,
        coalesce(sum(book.change), 0)::bigint AS change
    FROM now
    CROSS JOIN generate_series(1, 37) AS numbers (number)
    LEFT JOIN metrics.hotel_book AS book
        ON book.changed_on = now.tonight - number AND book.changed_on >= now.tonight - 37
    GROUP BY now.tonight, number
)

SELECT
    day,
    (sum(change) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW))::bigint AS value,
    'Up to ' || to_char(day, 'FMDD Mon') || '; ' || (
        SELECT to_char(coalesce(sum(book.change), 0), 'FM999,999,990')
        FROM now
        INNER JOIN metrics.hotel_book AS book
            ON book.night_of_stay >= now.tonight
            AND book.night_of_stay < now.tonight + 60
            AND book.changed_on < now.tonight
    ) || ' are on the books for the next 60 nights' AS detail
FROM days
ORDER BY day
OFFSET 6;
