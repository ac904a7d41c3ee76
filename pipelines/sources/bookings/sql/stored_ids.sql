-- Which of some ids are stored. A cluster sends the result of a subquery to each node once, and a
-- literal with the statement of each shard.
SELECT event_id
FROM bookings.events
WHERE event_id = ANY(CAST((SELECT CAST(:ids AS bigint []) OFFSET 0) AS bigint []))
