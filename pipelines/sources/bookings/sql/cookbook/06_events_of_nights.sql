-- What was said about some nights?
--
-- Both nights are included. Leave out `hotel_id` for all hotels.
--
-- hotel: 2607
-- first_night: 2026-11-05 | today
-- last_night: 2026-11-06 | today + 1
SELECT event_id, event_at, status, night_of_stay
FROM enriched.hotel_events
WHERE hotel_id = %(hotel)s AND night_of_stay BETWEEN CAST(%(first_night)s AS date) AND CAST(%(last_night)s AS date)
ORDER BY event_at, event_id;
