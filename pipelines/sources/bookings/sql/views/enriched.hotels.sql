-- Find each hotel with one index lookup: DISTINCT would read every count.
-- Work: linear, 70 buffers: ORDER BY hotel_id LIMIT 10
CREATE OR REPLACE VIEW enriched.hotels AS
WITH RECURSIVE counted AS (
    SELECT min(hotel_id) AS hotel_id FROM metrics.hotel_bookings_by_event_day
    UNION ALL
    SELECT (
        SELECT min(later.hotel_id)
        FROM metrics.hotel_bookings_by_event_day AS later
        WHERE later.hotel_id > counted.hotel_id
    )
    FROM counted
    WHERE counted.hotel_id IS NOT NULL
)

SELECT
    counted.hotel_id,
    hotels.name AS hotel_name,
    hotels.city,
    hotels.rooms
FROM counted
LEFT JOIN bookings.hotels USING (hotel_id)
WHERE counted.hotel_id IS NOT NULL;

COMMENT ON VIEW enriched.hotels IS
'Every hotel with events, one row each. Operators enter name, city and rooms in bookings.hotels.';
COMMENT ON COLUMN enriched.hotels.hotel_id IS 'Hotel number in the source system.';
COMMENT ON COLUMN enriched.hotels.hotel_name IS 'Name of the hotel; null if not entered.';
COMMENT ON COLUMN enriched.hotels.city IS 'City of the hotel; null if not entered.';
COMMENT ON COLUMN enriched.hotels.rooms IS 'Rooms available each night; null if not entered.';
