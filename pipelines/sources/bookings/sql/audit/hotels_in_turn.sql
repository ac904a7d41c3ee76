-- Hotels in the order in which they are audited: new ones, then the longest ago first.
SELECT
    hotel_id,
    audits.audited_at
FROM (
    SELECT hotel_id FROM bookings.hotels_with_events()
    UNION
    SELECT hotel_id FROM enriched.hotels
) AS hotels
LEFT JOIN bookings.audits USING (hotel_id)
ORDER BY audits.audited_at ASC NULLS FIRST, hotel_id ASC
