CREATE OR REPLACE VIEW metrics.hotel_nights AS
SELECT
    counts.hotel_id,
    counts.day AS night_of_stay,
    (counts.net_bookings + coalesce(without_effect.correction, 0))::integer AS on_the_books
FROM metrics.hotel_bookings_by_stay_night AS counts
LEFT JOIN (
    SELECT
        hotel_id,
        day,
        sum(CASE rule WHEN 'double_booking' THEN -1 ELSE 1 END) AS correction
    FROM bookings.findings
    WHERE rule IN ('double_booking', 'double_cancellation', 'cancelled_before_booked')
    GROUP BY hotel_id, day
) AS without_effect USING (hotel_id, day);

COMMENT ON VIEW metrics.hotel_nights IS
'What is on the books now for each night of each hotel that has events: its reservations that are
booked. A night that is booked or cancelled twice counts once, and a cancellation of what was never
booked counts nothing: these events are findings, which runs look for after they have counted. As fast as
metrics.hotel_bookings_by_stay_night, whose net_bookings counts them. For the books at an earlier time
use metrics.hotel_on_the_books.';
COMMENT ON COLUMN metrics.hotel_nights.hotel_id IS 'Hotel number in the source system.';
COMMENT ON COLUMN metrics.hotel_nights.night_of_stay IS
'The night, as the date on which it begins. Nights without events have no row.';
COMMENT ON COLUMN metrics.hotel_nights.on_the_books IS
'Reservations that are booked for the night now; never negative.';
