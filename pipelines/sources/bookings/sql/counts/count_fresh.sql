-- How many events came with the loads behind :counted, up to :last.
SELECT count(*)
FROM bookings.events
WHERE load_number > :counted AND load_number <= :last
