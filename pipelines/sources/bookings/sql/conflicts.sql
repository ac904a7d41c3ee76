ANALYZE stage_events (event_id);

-- Staged events with the id of a stored event but other content, with the fields that differ.
SELECT
    staged.record,
    'came_before' AS reason_code,
    'the event came before with other content: ' || concat_ws(
        ', ',
        CASE WHEN staged.hotel_id <> stored.hotel_id THEN 'hotel_id was ' || stored.hotel_id END,
        CASE WHEN staged.event_at <> stored.event_at THEN 'event_at was ' || stored.event_at END,
        CASE WHEN staged.status <> stored.status THEN 'status was ' || stored.status END,
        CASE
            WHEN staged.room_reservation_id <> stored.room_reservation_id
                THEN 'room_reservation_id was ' || stored.room_reservation_id
        END,
        CASE
            WHEN staged.night_of_stay <> stored.night_of_stay
                THEN 'night_of_stay was ' || stored.night_of_stay
        END
    ) AS reason
FROM stage_events AS staged
INNER JOIN bookings.events AS stored USING (event_id)
WHERE (
    staged.hotel_id, staged.event_at, staged.status, staged.room_reservation_id, staged.night_of_stay
) <> (
    stored.hotel_id, stored.event_at, stored.status, stored.room_reservation_id, stored.night_of_stay
)
