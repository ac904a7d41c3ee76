-- Counts that differ from a recount of all counted events, on either axis.
SELECT
    axis,
    hotel_id,
    day,
    bookings,
    bookings_anew,
    cancellations,
    cancellations_anew
FROM bookings.findings
WHERE rule = 'matches_recount'
ORDER BY hotel_id, day
