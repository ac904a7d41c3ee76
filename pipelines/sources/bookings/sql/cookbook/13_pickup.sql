-- What came in since a day, a week and a month before?
--
-- Pickup is computed as of an instant, by default now, and for the nights between two dates, by default the next 90.
--
-- hotel: 2607
-- from_night: 2026-11-03 | today
-- to_night: 2026-11-09 | today + 6
-- as_of: 2026-11-02 12:00+00 | now
SELECT night_of_stay, on_the_books, pickup_1_day, pickup_7_days, pickup_30_days
FROM metrics.hotel_pickup(%(hotel)s, %(from_night)s, %(to_night)s, %(as_of)s);
