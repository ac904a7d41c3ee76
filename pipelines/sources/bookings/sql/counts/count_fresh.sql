-- Number of events of the loads after :counted, up to :last.
SELECT count(*)
FROM bookings.events
WHERE load_number > :counted AND load_number <= :last
