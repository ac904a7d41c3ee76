-- The state of each reservation night of {events}, which are all of their nights, and in order of time the
-- events of those that are not plain: booked, or booked and then cancelled. Few are not: to sort the events of all takes
-- five times as long.
CREATE TEMP TABLE night_states ON COMMIT DROP AS
SELECT
    hotel_id,
    night_of_stay,
    room_reservation_id,
    min(event_at) FILTER (WHERE status = 'booking') AS booked_at,
    min(event_at) FILTER (WHERE status = 'cancellation') AS cancelled_at,
    max(event_at) AS last_event_at,
    count(*) FILTER (WHERE status = 'booking') = 1
    AND count(*) FILTER (WHERE status = 'cancellation') <= 1
    AND coalesce(
        min(event_at) FILTER (WHERE status = 'cancellation')
        >= min(event_at) FILTER (WHERE status = 'booking'),
        TRUE
    ) AS is_plain
FROM {events} AS looked_at
WHERE load_number <= :last
GROUP BY hotel_id, night_of_stay, room_reservation_id;

ANALYZE night_states;

CREATE TEMP TABLE in_order ON COMMIT DROP AS
SELECT
    hotel_id,
    night_of_stay,
    room_reservation_id,
    event_id,
    event_at,
    status,
    booked_at AS first_booked_at,
    lag(status, 1, 'cancellation') OVER reservation_night AS status_before,
    lag(event_at) OVER reservation_night AS before_at
FROM night_states
INNER JOIN {events} AS looked_at USING (hotel_id, night_of_stay, room_reservation_id)
WHERE NOT is_plain AND load_number <= :last
WINDOW reservation_night AS (
    PARTITION BY hotel_id, night_of_stay, room_reservation_id
    ORDER BY event_at, status, event_id
);
