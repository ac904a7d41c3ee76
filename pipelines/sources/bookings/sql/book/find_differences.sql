-- Nights of which another book is kept than that of their events.
INSERT INTO bookings.findings (rule, hotel_id, day, axis)
SELECT DISTINCT 'matches_recount', hotel_id, night_of_stay, 'book'
FROM book_differs
