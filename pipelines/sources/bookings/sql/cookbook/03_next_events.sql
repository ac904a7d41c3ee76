-- What is the next page of events?
--
-- Insert the time and id of the last row of the previous page. Every page is equally fast, however far it is from the
-- beginning. A program that follows the events stores the time and id of the last row that it has read.
--
-- after: 2026-08-14 09:05+00 | today - 1
-- event: 7101
-- rows: 4
SELECT event_id, hotel_id, event_at, status, night_of_stay
FROM enriched.hotel_events
WHERE (event_at, event_id) > (CAST(%(after)s AS timestamptz), %(event)s)
ORDER BY event_at, event_id
LIMIT %(rows)s;
