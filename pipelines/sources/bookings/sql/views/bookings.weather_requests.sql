CREATE OR REPLACE VIEW bookings.weather_requests AS
SELECT DISTINCT
    place_key,
    NULL::text AS country_code,
    NULL::text AS postcode,
    coalesce(city, name) AS city,
    latitude,
    longitude,
    NULL::timestamptz AS hour_at,
    NULL::date AS day
FROM bookings.hotels
WHERE place_key IS NOT NULL;

COMMENT ON VIEW bookings.weather_requests IS
'Places for which hotels need the current weather: those with coordinates. Part of
weather.weather_requests.';
COMMENT ON COLUMN bookings.weather_requests.place_key IS 'The place, as in weather.places.';
COMMENT ON COLUMN bookings.weather_requests.country_code IS 'Null: the coordinates are known.';
COMMENT ON COLUMN bookings.weather_requests.postcode IS 'Null: the coordinates are known.';
COMMENT ON COLUMN bookings.weather_requests.city IS 'City of the hotel, or its name.';
COMMENT ON COLUMN bookings.weather_requests.latitude IS 'Latitude of the hotel, degrees north.';
COMMENT ON COLUMN bookings.weather_requests.longitude IS 'Longitude of the hotel, degrees east.';
COMMENT ON COLUMN bookings.weather_requests.hour_at IS 'Null: the current weather is requested.';
COMMENT ON COLUMN bookings.weather_requests.day IS 'Null, like hour_at.';
