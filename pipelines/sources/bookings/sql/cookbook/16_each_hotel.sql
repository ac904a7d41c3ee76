-- How many bookings did each hotel get in a month, and how many were cancelled?
--
-- On the page *Ask* it is at first the last month. Months are those of the events, in UTC.
--
-- month_begins: 2026-10-01 | month - 1
SELECT
    coalesce(hotels.hotel_name, 'Hotel ' || counts.hotel_id) AS hotel,
    sum(counts.bookings) AS bookings,
    sum(counts.cancellations) AS cancellations
FROM metrics.hotel_bookings_by_event_day AS counts
LEFT JOIN enriched.hotels USING (hotel_id)
WHERE
    counts.day >= CAST(%(month_begins)s AS date)
    AND counts.day < CAST(%(month_begins)s AS date) + interval '1 month'
GROUP BY hotel
ORDER BY bookings DESC, hotel;
