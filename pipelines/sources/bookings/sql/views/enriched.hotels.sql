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
    hotels.rooms,
    hotels.country_code,
    hotels.latitude,
    hotels.longitude,
    observations.temperature_celsius,
    observations.conditions,
    observations.observed_at AS weather_observed_at
FROM counted
LEFT JOIN bookings.hotels USING (hotel_id)
LEFT JOIN weather.places USING (place_key)
LEFT JOIN weather.observations USING (place_id)
WHERE counted.hotel_id IS NOT NULL;

COMMENT ON VIEW enriched.hotels IS
'Every hotel with events, one row each, and the weather there. Operators enter name, place and rooms
in bookings.hotels. Weather data by Open-Meteo.com (CC BY 4.0) unless weather.observations names
another provider.';
COMMENT ON COLUMN enriched.hotels.hotel_name IS 'Name of the hotel; null if not entered.';
COMMENT ON COLUMN enriched.hotels.latitude IS 'Latitude, degrees north; null if not entered.';
COMMENT ON COLUMN enriched.hotels.temperature_celsius IS
'Current air temperature, °C; null until known.';
COMMENT ON COLUMN enriched.hotels.conditions IS 'Current weather, in words; null until known.';
COMMENT ON COLUMN enriched.hotels.weather_observed_at IS 'Time of the weather; null until known.';
