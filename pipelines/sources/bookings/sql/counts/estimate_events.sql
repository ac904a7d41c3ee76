-- Estimated number of events, from the planner's statistics; 0 if there are none yet.
SELECT greatest(ops.estimated_rows('bookings.events'), 0)
