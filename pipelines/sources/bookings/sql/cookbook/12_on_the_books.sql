-- What was on the books for each night, as it stood at an instant?
--
-- The last date is not included.
--
-- hotel: 2607
-- as_of: 2026-10-28 00:00+00 | now
-- from_night: 2026-11-03 | today
-- to_night: 2026-11-09 | today + 6
SELECT night_of_stay, on_the_books
FROM metrics.hotel_on_the_books(%(hotel)s, %(as_of)s, %(from_night)s, %(to_night)s);
