-- Add the fresh events to the counts, in key order.
INSERT INTO {table} AS stored (hotel_id, day, bookings, cancellations)
SELECT
    hotel_id,
    {day} AS day,
    count(*) FILTER (WHERE status = 'booking') AS bookings,
    count(*) FILTER (WHERE status = 'cancellation') AS cancellations
FROM fresh_events
GROUP BY hotel_id, {day}
ORDER BY hotel_id, day
ON CONFLICT (hotel_id, day) DO UPDATE SET
    bookings = stored.bookings + excluded.bookings,
    cancellations = stored.cancellations + excluded.cancellations
