-- Add the events of the loads behind :counted, up to :last, to the counts, in the order of the key.
-- Counted first and ordered then: else the order is taken from an index over events, at ten times
-- the cost.
WITH fresh AS MATERIALIZED (
    SELECT
        hotel_id,
        night_of_stay AS day,
        count(*) FILTER (WHERE status = 'booking') AS bookings,
        count(*) FILTER (WHERE status = 'cancellation') AS cancellations
    FROM bookings.events
    WHERE load_number > :counted AND load_number <= :last
    GROUP BY hotel_id, day
)

INSERT INTO metrics.hotel_bookings_by_stay_night AS stored (hotel_id, day, bookings, cancellations)
SELECT hotel_id, day, bookings, cancellations
FROM fresh
ORDER BY hotel_id, day
ON CONFLICT (hotel_id, day) DO UPDATE SET
    bookings = stored.bookings + excluded.bookings,
    cancellations = stored.cancellations + excluded.cancellations
