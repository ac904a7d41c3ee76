-- Estimated number of events, from the planner's statistics; 0 if there are none yet.
SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'bookings.events'::regclass
