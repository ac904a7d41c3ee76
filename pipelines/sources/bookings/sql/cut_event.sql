-- The event that a cut last line stored, if no other delivery had brought it before.
SELECT
    event_id,
    delivery_id
FROM bookings.events
WHERE
    event_id = coalesce(
        CAST(:event_id AS bigint),
        bookings.made_up_id(
            CAST(:hotel_id AS bigint),
            CAST(:event_at AS timestamptz),
            CAST(:status AS text),
            CAST(:room_reservation_id AS uuid),
            CAST(:night_of_stay AS date)
        )
    )
    AND delivery_id = ANY(:delivery_ids)
    AND hotel_id = :hotel_id
    AND event_at = :event_at
    AND status = :status
    AND room_reservation_id = CAST(:room_reservation_id AS uuid)
    AND night_of_stay = CAST(:night_of_stay AS date)
