-- An event that came without an id gets the one with which it comes now.
UPDATE bookings.events AS held
SET event_id = named.event_id
FROM (
    SELECT
        min(staged.event_id) AS event_id,
        bookings.made_up_id(
            staged.hotel_id,
            staged.event_at,
            staged.status,
            staged.room_reservation_id,
            staged.night_of_stay
        ) AS made_up_id
    FROM stage_events AS staged
    WHERE staged.event_id >= 0
        AND EXISTS (SELECT FROM bookings.events WHERE events.event_id < 0)
        AND NOT EXISTS (SELECT FROM bookings.events WHERE events.event_id = staged.event_id)
    GROUP BY made_up_id
) AS named
WHERE held.event_id = named.made_up_id AND held.event_id < 0
