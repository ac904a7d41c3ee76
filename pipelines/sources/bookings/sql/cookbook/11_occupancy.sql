-- How full is each hotel?
--
-- The numbers of rooms come from `bookings.hotels`, a table that operators fill:
-- `INSERT INTO bookings.hotels (hotel_id, name, city, rooms) VALUES (2607, 'Harbour House', 'Hamburg', 4)`.
--
-- from_day: 2026-11-02 | today
-- to_day: 2026-11-16 | today + 14
-- as_of: 2026-11-02 12:00+00 | now
SELECT hotel_id, hotel_name, city, period_start, rooms_booked, rooms_available, occupancy
FROM metrics.hotel_occupancy(%(from_day)s, %(to_day)s, 'week', %(as_of)s);
