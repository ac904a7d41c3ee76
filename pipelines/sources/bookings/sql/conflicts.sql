-- Staged events whose id is that of one with other content, and what they say otherwise.
SELECT
    staged.record,
    'the event came before with other content: ' || concat_ws(
        ', ',
        CASE WHEN staged.hotel_id <> held.hotel_id THEN 'hotel_id was ' || held.hotel_id END,
        CASE WHEN staged.event_at <> held.event_at THEN 'event_at was ' || held.event_at END,
        CASE WHEN staged.status <> held.status THEN 'status was ' || held.status END,
        CASE
            WHEN staged.room_reservation_id <> held.room_reservation_id
                THEN 'room_reservation_id was ' || held.room_reservation_id
        END,
        CASE
            WHEN staged.night_of_stay <> held.night_of_stay
                THEN 'night_of_stay was ' || held.night_of_stay
        END
    ) AS reason
FROM stage_events AS staged
INNER JOIN bookings.events AS held USING (event_id)
WHERE (
    staged.hotel_id,
    staged.event_at,
    staged.status,
    staged.room_reservation_id,
    staged.night_of_stay
) <> (
    held.hotel_id, held.event_at, held.status, held.room_reservation_id, held.night_of_stay
)
