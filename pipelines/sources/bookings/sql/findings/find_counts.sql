-- Counts that differ from a recount of all counted events, on one axis.
INSERT INTO bookings.findings
(rule, hotel_id, day, axis, bookings, recounted_bookings, cancellations, recounted_cancellations)
SELECT
    'matches_recount', hotel_id, day, :axis,
    stored_bookings, bookings, stored_cancellations, cancellations
FROM differing;

DROP TABLE differing;
