-- Hotels whose sums by event day and by stay night differ, and years of the hundred busiest hotels
-- for which metrics.hotel_bookings returns different sums by day, by month and by year.
WITH hotels AS (
    SELECT
        hotel_id,
        sum(bookings) AS bookings,
        sum(cancellations) AS cancellations
    FROM metrics.hotel_bookings_by_event_day
    GROUP BY hotel_id
),

nights AS (
    SELECT
        hotel_id,
        sum(bookings) AS bookings,
        sum(cancellations) AS cancellations
    FROM metrics.hotel_bookings_by_stay_night
    GROUP BY hotel_id
),

years AS MATERIALIZED (
    SELECT DISTINCT
        days.hotel_id,
        extract(YEAR FROM days.day)::integer AS year
    FROM metrics.hotel_bookings_by_event_day AS days
    WHERE days.hotel_id IN (SELECT hotel_id FROM hotels ORDER BY bookings DESC LIMIT 100)
),

sums AS (
    SELECT
        years.hotel_id,
        years.year,
        periods.period,
        sum(counts.bookings) AS bookings,
        sum(counts.cancellations) AS cancellations
    FROM years
    CROSS JOIN (VALUES ('day'), ('month'), ('year')) AS periods (period)
    CROSS JOIN LATERAL metrics.hotel_bookings(
        years.hotel_id, periods.period, years.year
    ) AS counts
    GROUP BY years.hotel_id, years.year, periods.period
)

SELECT
    hotel_id,
    'all years' AS year,
    hotels.bookings || ' by event day, ' || nights.bookings || ' by stay night' AS bookings,
    hotels.cancellations || ' by event day, ' || nights.cancellations
    || ' by stay night' AS cancellations
FROM hotels
FULL JOIN nights USING (hotel_id)
WHERE (hotels.bookings, hotels.cancellations)
    IS DISTINCT FROM (nights.bookings, nights.cancellations)
UNION ALL
SELECT
    hotel_id,
    year::text,
    string_agg(bookings || ' by ' || period, ', ' ORDER BY period),
    string_agg(cancellations || ' by ' || period, ', ' ORDER BY period)
FROM sums
GROUP BY hotel_id, year
HAVING count(DISTINCT (bookings, cancellations)) > 1
