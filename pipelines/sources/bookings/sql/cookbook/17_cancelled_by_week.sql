-- How much was cancelled at each hotel, week by week?
--
-- Weeks begin on Monday, and count the days of cancellations. The first week and the last one have the days of the range
-- alone.
--
-- from_day: 2026-10-05 | today - 27
-- to_day: 2026-11-02 | today + 1
SELECT
    date_trunc('week', counts.day::timestamp)::date AS week,
    coalesce(hotels.hotel_name, 'Hotel ' || counts.hotel_id) AS hotel,
    sum(counts.cancellations) AS cancellations,
    sum(counts.bookings) AS bookings
FROM metrics.hotel_bookings_by_event_day AS counts
LEFT JOIN enriched.hotels USING (hotel_id)
WHERE counts.day >= CAST(%(from_day)s AS date) AND counts.day < CAST(%(to_day)s AS date)
GROUP BY week, hotel
ORDER BY week, hotel;
