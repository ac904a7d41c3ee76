-- Next month beside the same weeks of last year, of the hotels whose events begin 90 days before these weeks. If there are
-- none, this year of all. A total is of all of these hotels, or null.
WITH hotels AS (
    SELECT
        hotel_id,
        month.first_night,
        (month.first_night + interval '1 month')::date AS end_night,
        first_day <= month.first_night - 364 - 90 AS has_last_year
    FROM enriched.hotels
    CROSS JOIN (
        SELECT (date_trunc('month', min(business_day)::timestamp) + interval '1 month')::date AS first_night
        FROM enriched.hotels
    ) AS month
    WHERE hotel_id = ANY (%(hotels)s::bigint[])
)

SELECT
    pace.days_before_arrival,
    CASE WHEN count(pace.on_the_books) = count(*) THEN sum(pace.on_the_books)::bigint END AS this_year,
    CASE
        WHEN count(pace.on_the_books_last_year) = count(*) THEN sum(pace.on_the_books_last_year)::bigint
    END AS last_year,
    count(*) AS hotels_compared
FROM hotels
CROSS JOIN LATERAL metrics.hotel_pace(hotels.hotel_id, hotels.first_night, hotels.end_night, now(), 90) AS pace
WHERE hotels.has_last_year OR NOT (SELECT bool_or(has_last_year) FROM hotels)
GROUP BY pace.days_before_arrival
ORDER BY pace.days_before_arrival DESC;
