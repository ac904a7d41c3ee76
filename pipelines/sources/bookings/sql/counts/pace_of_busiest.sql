-- How the books of the :hotels busiest hotels fill for thirty nights: from today on, or the last that
-- there are events of.
WITH first_night AS (
    SELECT least(max(day) - 29, (now() AT TIME ZONE 'UTC')::date) AS day
    FROM metrics.hotel_bookings_by_stay_night
),

busiest AS (
    SELECT counts.hotel_id
    FROM metrics.hotel_bookings_by_stay_night AS counts
    INNER JOIN first_night
        ON counts.day >= first_night.day AND counts.day < first_night.day + 30
    GROUP BY counts.hotel_id
    ORDER BY sum(counts.net_bookings) DESC, counts.hotel_id
    LIMIT :hotels
)

SELECT
    busiest.hotel_id,
    first_night.day AS first_night,
    pace.days_before_arrival,
    pace.on_the_books,
    pace.on_the_books_last_year
FROM busiest
CROSS JOIN first_night
CROSS JOIN LATERAL metrics.hotel_pace(
    busiest.hotel_id, first_night.day, first_night.day + 30
) AS pace
ORDER BY busiest.hotel_id, pace.days_before_arrival DESC
