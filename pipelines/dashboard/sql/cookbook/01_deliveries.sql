-- What came in, and what became of it?
--
-- rows: 8
SELECT feed, name, received_at, read_count, loaded_count, unchanged_count, rejected_count, problem
FROM ops.deliveries
WHERE feed IN ('flights', 'shipments', 'bookings')
ORDER BY loaded_at DESC, feed
LIMIT %(rows)s;
