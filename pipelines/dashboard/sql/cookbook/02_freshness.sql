-- How fresh is each view?
--
-- `state` is `late` if the source was not checked in time, and `quiet` if it was, but has sent nothing for longer than usual;
-- `due_at` says until when a check is expected. Each source has a row, too: `kind = 'source'`.
SELECT name, source, last_new_data_at, newest_at
FROM metrics.freshness
WHERE kind = 'view' AND source = 'bookings'
ORDER BY name;
