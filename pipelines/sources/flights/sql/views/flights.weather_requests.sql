CREATE OR REPLACE VIEW flights.weather_requests AS
SELECT
    airports.place_key,
    NULL::text AS country_code,
    NULL::text AS postcode,
    airports.city || ' (' || airport_code || ')' AS city,
    airports.latitude,
    airports.longitude,
    ends.hour_at,
    (ends.hour_at AT TIME ZONE 'UTC')::date AS day
FROM (
    SELECT
        departure_airport AS airport_code,
        date_trunc('hour', departure_at, 'UTC') AS hour_at
    FROM flights.legs
    WHERE seen_until_at IS NULL AND departure_at IS NOT NULL
    UNION
    SELECT
        arrival_airport,
        date_trunc('hour', arrival_at, 'UTC')
    FROM flights.legs
    WHERE seen_until_at IS NULL AND arrival_at IS NOT NULL
) AS ends
INNER JOIN flights.airports USING (airport_code);

COMMENT ON VIEW flights.weather_requests IS
'Places and hours for which flights need weather: the departures and arrivals of legs on offer. Part
of weather.weather_requests.';
COMMENT ON COLUMN flights.weather_requests.place_key IS 'The place, as in weather.places.';
COMMENT ON COLUMN flights.weather_requests.country_code IS 'Null: the coordinates are known.';
COMMENT ON COLUMN flights.weather_requests.postcode IS 'Null: the coordinates are known.';
COMMENT ON COLUMN flights.weather_requests.city IS 'City of the airport with its code: London (LHR).';
COMMENT ON COLUMN flights.weather_requests.latitude IS 'Latitude of the airport, degrees north.';
COMMENT ON COLUMN flights.weather_requests.longitude IS 'Longitude of the airport, degrees east.';
COMMENT ON COLUMN flights.weather_requests.hour_at IS
'Start of the hour of a departure or an arrival.';
COMMENT ON COLUMN flights.weather_requests.day IS 'UTC date of hour_at.';
