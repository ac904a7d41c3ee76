-- Which hotels are there, and from when to when?
SELECT hotel_id, min(day) AS first_day, max(day) AS last_day, sum(bookings) AS bookings
FROM metrics.hotel_bookings_by_event_day
GROUP BY hotel_id
ORDER BY hotel_id;
