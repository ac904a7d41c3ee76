-- The first event with an id wins, in the order of the delivery.
INSERT INTO bookings.events (
    event_id,
    hotel_id,
    event_at,
    status,
    room_reservation_id,
    night_of_stay,
    delivery_id,
    load_number
)
SELECT
    event_id,
    hotel_id,
    event_at,
    status,
    room_reservation_id,
    night_of_stay,
    :delivery_id,
    :load_number
FROM stage_events
ORDER BY record
ON CONFLICT (event_id) DO NOTHING
