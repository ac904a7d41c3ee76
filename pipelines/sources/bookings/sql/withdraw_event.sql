-- Removes the event that a cut last line stored, if no other delivery had brought it before, and its
-- counts. `counts.refresh` may be counting it: wait for it.
LOCK TABLE metrics.hotel_bookings_by_event_day IN SHARE ROW EXCLUSIVE MODE;

CREATE TEMP TABLE cut_events ON COMMIT DROP AS
SELECT
    event_id,
    hotel_id,
    (event_at AT TIME ZONE 'UTC')::date AS event_day,
    night_of_stay,
    (status = 'booking')::integer AS bookings,
    (status = 'cancellation')::integer AS cancellations,
    load_number <= coalesce(
        (SELECT position FROM ops.watermarks WHERE name = 'metrics.hotel_bookings'), 0
    ) AS is_counted
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
    AND night_of_stay = CAST(:night_of_stay AS date);

UPDATE metrics.hotel_bookings_by_event_day AS stored
SET
    bookings = stored.bookings - cut.bookings,
    cancellations = stored.cancellations - cut.cancellations
FROM cut_events AS cut
WHERE cut.is_counted AND stored.hotel_id = cut.hotel_id AND stored.day = cut.event_day;

DELETE FROM metrics.hotel_bookings_by_event_day AS stored
USING cut_events AS cut
WHERE
    stored.hotel_id = cut.hotel_id
    AND stored.day = cut.event_day
    AND stored.bookings = 0
    AND stored.cancellations = 0;

UPDATE metrics.hotel_bookings_by_stay_night AS stored
SET
    bookings = stored.bookings - cut.bookings,
    cancellations = stored.cancellations - cut.cancellations
FROM cut_events AS cut
WHERE cut.is_counted AND stored.hotel_id = cut.hotel_id AND stored.day = cut.night_of_stay;

DELETE FROM metrics.hotel_bookings_by_stay_night AS stored
USING cut_events AS cut
WHERE
    stored.hotel_id = cut.hotel_id
    AND stored.day = cut.night_of_stay
    AND stored.bookings = 0
    AND stored.cancellations = 0;

DELETE FROM bookings.events
USING cut_events
WHERE events.event_id = cut_events.event_id
RETURNING events.delivery_id
