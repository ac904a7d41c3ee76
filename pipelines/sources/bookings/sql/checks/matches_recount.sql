-- Counts that differ from a recount of all counted events, on either axis.
SELECT
    axis,
    hotel_id,
    day,
    bookings,
    recounted_bookings,
    cancellations,
    recounted_cancellations
FROM bookings.findings
WHERE rule = 'matches_recount'
ORDER BY hotel_id, day
