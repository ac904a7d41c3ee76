-- What differs between the book of some nights in {kept} and that of all their {events}. Few reservations
-- are booked or cancelled twice: to sort the events of all takes five times as long.
CREATE TEMP TABLE book_states ON COMMIT DROP AS
SELECT
    hotel_id,
    night_of_stay,
    room_reservation_id,
    min(event_at) FILTER (WHERE status = 'booking') AS booked_at,
    min(event_at) FILTER (WHERE status = 'cancellation') AS cancelled_at,
    count(*) FILTER (WHERE status = 'booking') AS bookings,
    count(*) FILTER (WHERE status = 'cancellation') AS cancellations
FROM {events} AS looked_at
WHERE load_number <= :last
GROUP BY hotel_id, night_of_stay, room_reservation_id;

ANALYZE book_states;

CREATE TEMP TABLE book_first ON COMMIT DROP AS
SELECT hotel_id, min(least(booked_at, cancelled_at)) AS event_at
FROM book_states
GROUP BY hotel_id;

CREATE TEMP TABLE book_anew ON COMMIT DROP AS
WITH changes AS (
    SELECT hotel_id, night_of_stay, booked_at AS changed_at, 1 AS change
    FROM book_states
    WHERE bookings = 1 AND cancellations <= 1
    UNION ALL
    SELECT hotel_id, night_of_stay, cancelled_at, -1
    FROM book_states
    WHERE bookings = 1 AND cancellations = 1 AND cancelled_at >= booked_at
    UNION ALL
    SELECT hotel_id, night_of_stay, event_at, CASE status WHEN 'booking' THEN 1 ELSE -1 END
    FROM (
        SELECT
            hotel_id, night_of_stay, event_at, status,
            lag(status, 1, 'cancellation') OVER (
                PARTITION BY hotel_id, night_of_stay, room_reservation_id
                ORDER BY event_at, status, event_id
            ) AS status_before
        FROM book_states
        INNER JOIN {events} AS looked_at USING (hotel_id, night_of_stay, room_reservation_id)
        WHERE load_number <= :last AND bookings > 0 AND (bookings > 1 OR cancellations > 1)
    ) AS in_order
    WHERE status <> status_before
)

SELECT
    hotel_id,
    night_of_stay,
    bookings.business_day(changed_at, time_zone, day_begins) AS changed_on,
    sum(change)::integer AS change
FROM changes
LEFT JOIN book_days USING (hotel_id)
GROUP BY 1, 2, 3
HAVING sum(change) <> 0;

CREATE TEMP TABLE book_differs ON COMMIT DROP AS
SELECT
    hotel_id,
    night_of_stay,
    changed_on,
    anew.change,
    kept.change IS NOT NULL AS is_kept
FROM {kept} AS kept
FULL JOIN book_anew AS anew USING (hotel_id, night_of_stay, changed_on)
WHERE kept.change IS DISTINCT FROM anew.change;

DROP TABLE book_states, book_anew;
