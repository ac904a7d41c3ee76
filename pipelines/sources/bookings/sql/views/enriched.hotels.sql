CREATE OR REPLACE VIEW enriched.hotels AS
SELECT
    counted.hotel_id,
    hotels.name AS hotel_name,
    hotels.city, hotels.rooms, hotels.country_code, hotels.latitude, hotels.longitude,
    observations.temperature_celsius, observations.conditions,
    observations.observed_at AS weather_observed_at
FROM bookings.counted_hotels() AS counted
LEFT JOIN bookings.hotels USING (hotel_id)
LEFT JOIN weather.places USING (place_key)
LEFT JOIN weather.observations USING (place_id);

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
