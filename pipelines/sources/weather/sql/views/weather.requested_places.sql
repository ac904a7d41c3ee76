-- The planner skips parts of the union that never define a place.
CREATE OR REPLACE VIEW weather.requested_places AS
SELECT source, place_key, country_code, postcode, city, latitude, longitude, hour_at
FROM weather.weather_requests
WHERE
    place_key IS NOT NULL
    AND CASE
        WHEN latitude IS NULL THEN country_code IS NOT NULL AND (postcode <> '' OR city <> '')
        ELSE
            place_key = weather.place_key(latitude, longitude)
            AND latitude BETWEEN -90 AND 90
            AND longitude BETWEEN -180 AND 180
    END;

COMMENT ON VIEW weather.requested_places IS
'Requests that define a place: those of weather.weather_requests with coordinates or an address.
A row whose coordinates are not those of its key, or are not on earth, is left out: it would move
the places of others. So is a country with neither postcode nor city.';
