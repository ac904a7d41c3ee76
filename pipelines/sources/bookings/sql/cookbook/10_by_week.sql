-- How many bookings did all hotels have, week by week?
--
-- Weeks begin on Monday. For pickup and pace use `metrics.all_hotel_pickup` and `metrics.all_hotel_pace`.
--
-- year: 2026
-- month: 10
SELECT hotel_id, hotel_name, period_start, bookings, cancellations
FROM metrics.all_hotel_bookings('week', %(year)s, month => %(month)s)
WHERE bookings + cancellations > 0;
