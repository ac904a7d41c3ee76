-- Number of events of the loads after the last counted one.
SELECT count(*)
FROM bookings.events
WHERE load_number > :counted AND load_number <= :last
