-- How many bookings did a hotel have, month by month?
--
-- The function counts nights of reservations. Days are in UTC. An event counts on the day when it was made; with
-- `axis => 'stay'`, on the night of the stay. Months and years without events have zeros; a hotel without any event
-- has no rows, and a warning names it.
--
-- hotel: 2607
-- year: 2026
-- from_day: 2026-08-01 | year
SELECT period_start, bookings, cancellations, net_bookings
FROM metrics.hotel_bookings(%(hotel)s, 'month', %(year)s)
WHERE period_start >= CAST(%(from_day)s AS date);
