-- Which hotels were busiest on a day?
--
-- day: 2026-10-30 | today - 1
-- rows: 10
SELECT hotel_id, bookings, cancellations, net_bookings
FROM metrics.hotel_bookings_by_event_day
WHERE day = CAST(%(day)s AS date)
ORDER BY bookings DESC, hotel_id
LIMIT %(rows)s;
