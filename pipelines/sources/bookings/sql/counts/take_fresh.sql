-- The events of the loads after the last counted one, read once.
CREATE TEMP TABLE fresh_events ON COMMIT DROP AS
SELECT hotel_id, event_at, status, night_of_stay
FROM bookings.events
WHERE load_number > :counted AND load_number <= :last
