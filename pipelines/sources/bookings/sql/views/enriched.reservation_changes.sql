CREATE OR REPLACE VIEW enriched.reservation_changes AS
SELECT
    hotel_id,
    night_of_stay,
    room_reservation_id,
    event_at AS changed_at,
    CASE status WHEN 'booking' THEN 1 ELSE -1 END AS change
FROM (
    SELECT
        hotel_id,
        night_of_stay,
        room_reservation_id,
        event_at,
        status,
        lag(status, 1, 'cancellation') OVER (
            PARTITION BY hotel_id, night_of_stay, room_reservation_id
            ORDER BY event_at, status, event_id
        ) AS status_before
    FROM bookings.events
) AS followed
WHERE status <> status_before;

COMMENT ON VIEW enriched.reservation_changes IS
'Each change of the books: a night of a reservation gets onto them or leaves them. Events of a night
are taken by their time, at the same time bookings first. A booking of what is on the books already
and a cancellation of what is not change nothing and have no row. What is on the books at an instant
is the sum of change until then. Quick for a hotel_id and some nights.';
COMMENT ON COLUMN enriched.reservation_changes.hotel_id IS
'The hotel, as its system numbers it.';
COMMENT ON COLUMN enriched.reservation_changes.night_of_stay IS
'The night, by the day it begins on.';
COMMENT ON COLUMN enriched.reservation_changes.room_reservation_id IS 'The reservation.';
COMMENT ON COLUMN enriched.reservation_changes.changed_at IS
'When it was booked or cancelled.';
COMMENT ON COLUMN enriched.reservation_changes.change IS
'1 when it gets onto the books, -1 when it leaves them.';
