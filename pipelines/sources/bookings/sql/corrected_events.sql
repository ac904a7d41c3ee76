-- Rejected events of earlier deliveries that :delivery_id corrects: the new event has the same id
-- or, if the rejected event has no valid id, equals it in all fields but one.
WITH bad AS MATERIALIZED (
    SELECT
        quarantine.quarantine_id,
        deliveries.name,
        nullif(quarantine.record_key[2], '')::bigint AS event_id,
        nullif(quarantine.record_key[3], '')::bigint AS hotel_id,
        nullif(quarantine.record_key[4], '')::timestamptz AS event_at,
        nullif(quarantine.record_key[5], '') AS status,
        nullif(quarantine.record_key[6], '')::uuid AS room_reservation_id,
        nullif(quarantine.record_key[7], '')::timestamp::date AS night_of_stay
    FROM ops.quarantine
    INNER JOIN ops.deliveries USING (delivery_id)
    WHERE
        deliveries.source = 'bookings'
        AND deliveries.delivery_id <> :delivery_id
        AND quarantine.record_key[1] = 'event'
        AND quarantine.dismissed_at IS NULL
)

SELECT bad.quarantine_id
FROM bad
INNER JOIN bookings.events USING (event_id)
WHERE events.delivery_id = :delivery_id
UNION
SELECT bad.quarantine_id
FROM bad
INNER JOIN bookings.events USING (room_reservation_id)
WHERE
    bad.event_id IS NULL
    AND events.load_number = :load_number
    AND num_nulls(bad.hotel_id, bad.event_at, bad.status, bad.night_of_stay) <= 1
    AND events.hotel_id = coalesce(bad.hotel_id, events.hotel_id)
    AND events.event_at = coalesce(bad.event_at, events.event_at)
    AND events.status = coalesce(bad.status, events.status)
    AND events.night_of_stay = coalesce(bad.night_of_stay, events.night_of_stay)
UNION
SELECT bad.quarantine_id
FROM bad
INNER JOIN bookings.events USING (hotel_id, event_at, status, night_of_stay)
INNER JOIN ops.deliveries ON events.delivery_id = deliveries.delivery_id
WHERE
    -- Rooms are booked together, so the event is the same only if the same file was sent again.
    deliveries.name = bad.name
    AND bad.event_id IS NULL
    AND bad.room_reservation_id IS NULL
    AND events.load_number = :load_number
