-- About how many events there are, as the planner knows it; 0 where it does not yet.
SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'bookings.events'::regclass
