-- What does "bookings this year" mean?
--
-- It can mean four things, so name yours: bookings by the day of the event, net of cancellations, by the night of stay, or
-- all events. A net count is negative if more nights were cancelled than booked.
--
-- hotel: 2607
-- year: 2026
SELECT
    by_event.bookings,
    by_event.net_bookings,
    by_stay.bookings AS bookings_by_night,
    by_event.bookings + by_event.cancellations AS events
FROM metrics.hotel_bookings(%(hotel)s, 'year', %(year)s) AS by_event
CROSS JOIN metrics.hotel_bookings(%(hotel)s, 'year', %(year)s, axis => 'stay') AS by_stay;
