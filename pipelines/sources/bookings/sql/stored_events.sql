-- Which of the keys are stored. They are in a subquery: a cluster sends its result to each node once, and
-- a literal with the statement of each shard.
SELECT event_id
FROM bookings.events
WHERE event_id = ANY(CAST((SELECT CAST(:keys AS bigint []) OFFSET 0) AS bigint []))
