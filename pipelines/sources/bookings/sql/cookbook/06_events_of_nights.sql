-- What was said about some nights?
--
-- Both nights are included. Leave out `hotel_id` for all hotels.
--
-- hotel: 2607
-- first_night: 2026-11-05 | today
-- last_night: 2026-11-06
SELECT event_id, event_at, status, night_of_stay
FROM bookings.events
WHERE hotel_id = %(hotel)s AND night_of_stay BETWEEN DATE %(first_night)s AND DATE %(last_night)s
ORDER BY event_at, event_id;
