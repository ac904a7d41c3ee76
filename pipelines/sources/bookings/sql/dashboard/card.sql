-- What changed on the books of nights that were to come, in the seven business days up to each closed day of the last
-- month, and what is on them for the next nights. A day counts when it is closed at all hotels.
WITH now AS (
    SELECT min(business_day) AS tonight, array_agg(hotel_id) AS hotels
    FROM enriched.hotels
    WHERE first_day IS NOT NULL
),

days AS (
    SELECT
        greatest(book.changed_on, now.tonight - 38) AS day,
        sum(book.change) FILTER (WHERE book.night_of_stay >= book.changed_on) AS change,
        sum(book.change) FILTER (
            WHERE book.night_of_stay >= now.tonight AND book.night_of_stay < now.tonight + 60
        ) AS next_nights
    FROM now
    INNER JOIN metrics.hotel_book AS book
        ON book.hotel_id = ANY (now.hotels)
        AND book.night_of_stay >= now.tonight - 37
        AND book.changed_on < now.tonight
    GROUP BY 1
)

SELECT
    now.tonight - number AS day,
    coalesce(sum(days.change), 0)::bigint AS value,
    'Up to ' || to_char(now.tonight - number, 'FMDD Mon') || '; '
    || CASE
        WHEN NOT EXISTS (SELECT FROM days WHERE days.day > now.tonight - 8) THEN 'no event in these days; ' ELSE ''
    END
    || to_char((SELECT coalesce(sum(next_nights), 0) FROM days), 'FM999,999,990')
    || ' are on the books for the next 60 nights' AS detail
FROM now
CROSS JOIN generate_series(1, 31) AS numbers (number)
LEFT JOIN days ON days.day > now.tonight - number - 7 AND days.day <= now.tonight - number
WHERE now.tonight IS NOT NULL
GROUP BY now.tonight, number
ORDER BY day;
