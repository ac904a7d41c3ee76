-- Hotels in the order in which they are audited: new ones, then the longest ago first. Each is found
-- with one index lookup, as in enriched.hotels.
WITH RECURSIVE with_events AS (
    SELECT min(hotel_id) AS hotel_id FROM bookings.events
    UNION ALL
    SELECT (
        SELECT min(later.hotel_id) FROM bookings.events AS later
        WHERE later.hotel_id > with_events.hotel_id
    )
    FROM with_events
    WHERE with_events.hotel_id IS NOT NULL
)

SELECT
    hotel_id,
    audits.audited_at
FROM (
    SELECT hotel_id FROM with_events
    UNION
    SELECT hotel_id FROM enriched.hotels
) AS hotels
LEFT JOIN bookings.audits USING (hotel_id)
WHERE hotel_id IS NOT NULL
ORDER BY audits.audited_at ASC NULLS FIRST, hotel_id ASC
