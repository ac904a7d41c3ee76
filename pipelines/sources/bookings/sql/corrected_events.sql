-- Rejected events of earlier deliveries that this one corrects: the new event has the same id
-- or, if the rejected event has no valid id, equals it in all fields but one.
WITH bad AS MATERIALIZED (
    SELECT
        quarantine.quarantine_id,
        deliveries.name = (
            SELECT name FROM ops.deliveries WHERE delivery_id = :delivery_id
        ) AS is_of_same_file,
        nullif(quarantine.record_key[2], '')::bigint AS event_id,
        nullif(quarantine.record_key[3], '')::bigint AS hotel_id,
        nullif(quarantine.record_key[4], '')::timestamptz AS event_at,
        nullif(quarantine.record_key[5], '') AS status,
        nullif(quarantine.record_key[6], '')::uuid AS room_reservation_id,
        nullif(quarantine.record_key[7], '')::timestamp::date AS night_of_stay
    FROM ops.quarantine
    INNER JOIN ops.deliveries USING (delivery_id)
    WHERE
        deliveries.feed = 'bookings'
        AND deliveries.delivery_id <> :delivery_id
        AND quarantine.record_key[1] = 'event'
        AND quarantine.dismissed_at IS NULL
),

nameless AS MATERIALIZED (
    SELECT * FROM bad WHERE event_id IS NULL
),

-- Found by the array of ids, once: of a new load there are no statistics to plan a join by.
sent_again AS MATERIALIZED (
    SELECT event_id
    FROM bookings.events
    WHERE delivery_id = :delivery_id
        AND event_id = ANY(CAST((SELECT array_agg(event_id) FROM bad) AS bigint []))
)

INSERT INTO corrected (quarantine_id)
SELECT bad.quarantine_id
FROM bad
INNER JOIN sent_again USING (event_id)
UNION
SELECT nameless.quarantine_id
FROM nameless
INNER JOIN bookings.events USING (room_reservation_id)
WHERE
    events.load_number = :load_number
    AND events.room_reservation_id = ANY(
        CAST((SELECT array_agg(nameless.room_reservation_id) FROM nameless) AS uuid [])
    )
    AND num_nulls(nameless.hotel_id, nameless.event_at, nameless.status, nameless.night_of_stay) <= 1
    AND events.hotel_id = coalesce(nameless.hotel_id, events.hotel_id)
    AND events.event_at = coalesce(nameless.event_at, events.event_at)
    AND events.status = coalesce(nameless.status, events.status)
    AND events.night_of_stay = coalesce(nameless.night_of_stay, events.night_of_stay)
UNION
SELECT nameless.quarantine_id
FROM nameless
INNER JOIN bookings.events USING (hotel_id, event_at, status, night_of_stay)
WHERE
    -- Rooms are booked together, so the event is the same only if the same file was sent again.
    nameless.is_of_same_file
    AND nameless.room_reservation_id IS NULL
    AND events.load_number = :load_number
