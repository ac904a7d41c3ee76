-- Writes what differs, and since when and by which days the books are kept now.
DELETE FROM metrics.hotel_book AS kept
USING book_differs AS anew
WHERE
    anew.is_kept
    AND kept.hotel_id = anew.hotel_id
    AND kept.night_of_stay = anew.night_of_stay
    AND kept.changed_on = anew.changed_on;

INSERT INTO metrics.hotel_book (hotel_id, night_of_stay, changed_on, change)
SELECT hotel_id, night_of_stay, changed_on, change
FROM book_differs
WHERE change IS NOT NULL
ORDER BY hotel_id, night_of_stay, changed_on;

INSERT INTO bookings.books AS kept (hotel_id, first_event_at, time_zone, day_begins)
SELECT hotel_id, first_event_at, time_zone, day_begins
FROM first_events
LEFT JOIN hotel_days USING (hotel_id)
ON CONFLICT (hotel_id) DO UPDATE SET
    first_event_at = least(kept.first_event_at, excluded.first_event_at),
    time_zone = excluded.time_zone,
    day_begins = excluded.day_begins
