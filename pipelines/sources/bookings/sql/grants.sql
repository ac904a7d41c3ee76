-- Operators maintain the names, places and rooms of hotels.
GRANT INSERT, UPDATE, DELETE ON bookings.hotels TO isobar_operator;
