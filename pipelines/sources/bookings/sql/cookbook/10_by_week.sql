-- How many bookings did all hotels have, week by week?
--
-- Weeks begin on Monday. Without a hotel, the functions return every hotel: `metrics.hotel_pickup` and `hotel_pace`, too.
--
-- year: 2026
-- month: 10
SELECT hotel_id, hotel_name, period_start, bookings, cancellations
FROM metrics.hotel_bookings(NULL, 'week', %(year)s, month => %(month)s)
WHERE bookings + cancellations > 0;
