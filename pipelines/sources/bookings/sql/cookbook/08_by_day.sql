-- How many day by day, in one month?
--
-- Leave out the month for the whole year, or add `day => 30` for one day.
--
-- hotel: 2607
-- year: 2026
-- month: 10
SELECT period_start, bookings, cancellations, net_bookings
FROM metrics.hotel_bookings(%(hotel)s, 'day', %(year)s, month => %(month)s)
WHERE bookings + cancellations > 0;
