-- The days of hotels, read once: they may be changed while a book is made by them.
CREATE TEMP TABLE hotel_days ON COMMIT DROP AS
SELECT hotel_id, time_zone, CASE WHEN time_zone IS NOT NULL THEN day_begins END AS day_begins
FROM {hotels} AS hotels
