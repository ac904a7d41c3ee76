-- What changed on the books on each of the last 14 closed business days, by night.
SELECT
    book.night_of_stay,
    book.changed_on,
    sum(book.change)::bigint AS pickup
FROM (
    SELECT min(business_day) AS tonight FROM enriched.hotels
) AS now
INNER JOIN metrics.hotel_book AS book
    ON book.hotel_id = ANY (%(hotels)s::bigint[])
    AND book.night_of_stay >= now.tonight
    AND book.night_of_stay < now.tonight + %(nights)s
    AND book.changed_on >= now.tonight - 14
    AND book.changed_on < now.tonight
GROUP BY book.night_of_stay, book.changed_on
ORDER BY book.night_of_stay, book.changed_on;
