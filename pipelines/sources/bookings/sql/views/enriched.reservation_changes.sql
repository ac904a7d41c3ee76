CREATE OR REPLACE VIEW enriched.reservation_changes AS
SELECT
    hotel_id, night_of_stay, room_reservation_id,
    event_at AS changed_at,
    CASE status WHEN 'booking' THEN 1 ELSE -1 END AS change
FROM (
    SELECT
        hotel_id, night_of_stay, room_reservation_id, event_at, status,
        lag(status, 1, 'cancellation') OVER (
            PARTITION BY hotel_id, night_of_stay, room_reservation_id
            ORDER BY event_at, status, event_id
        ) AS status_before
    FROM bookings.events
) AS followed
WHERE status <> status_before;

COMMENT ON VIEW enriched.reservation_changes IS
'Every change to what is on the books: a night of a reservation is added or removed. Events of a
night are ordered by time; at the same time, bookings come first. A booking of a night that is
already on the books, or a cancellation of a night that is not, changes nothing and has no row. To
get what is on the books at an instant, sum change up to that instant. Fast if filtered by hotel_id
and a range of night_of_stay.';
COMMENT ON COLUMN enriched.reservation_changes.night_of_stay IS
'The night, as the date on which it begins.';
COMMENT ON COLUMN enriched.reservation_changes.room_reservation_id IS 'The reservation.';
COMMENT ON COLUMN enriched.reservation_changes.changed_at IS
'When the night was booked or cancelled.';
COMMENT ON COLUMN enriched.reservation_changes.change IS
'1 if the night is added to the books, -1 if it is removed.';
