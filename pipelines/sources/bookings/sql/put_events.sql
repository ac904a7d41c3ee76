-- The first event with an id wins, in the order of the delivery. Without ON CONFLICT: in a cluster,
-- no key spans the events of all hotels.
WITH stored_ids AS MATERIALIZED (
    SELECT event_id FROM stage_events INNER JOIN bookings.events USING (event_id)
)

INSERT INTO bookings.events (
    event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay, delivery_id, load_number
)
SELECT
    event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay, :delivery_id, :load_number
FROM (
    SELECT DISTINCT ON (event_id) * FROM stage_events ORDER BY event_id, record
) AS firsts
WHERE event_id NOT IN (TABLE stored_ids)
ORDER BY record
