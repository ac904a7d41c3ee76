SELECT count(*) FROM bookings.levels
