-- How long before arrival do people book, how long do they stay, and how much of it is cancelled?
--
-- Each reservation counts once, in the month of its arrival; with `axis = 'booking'`, in that of its first booking.
--
-- hotel: 2607
-- from_month: 2026-10-01 | month - 6
SELECT month_from, reservations, cancellation_ratio, booking_window_days, length_of_stay_nights
FROM metrics.hotel_stays
WHERE hotel_id = %(hotel)s AND axis = 'arrival' AND month_from >= CAST(%(from_month)s AS date)
ORDER BY month_from;
