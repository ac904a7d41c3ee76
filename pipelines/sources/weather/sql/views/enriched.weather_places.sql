CREATE OR REPLACE VIEW enriched.weather_places AS
WITH used AS (
    SELECT
        place_key,
        min(city) AS city,
        min(country_code) AS country_code,
        array_agg(DISTINCT source ORDER BY source) AS used_by,
        bool_or(hour_at IS NULL) AS is_observed
    FROM weather.requested_places
    GROUP BY place_key
    UNION ALL
    SELECT NULL, city, country_code, array_agg(DISTINCT source ORDER BY source), TRUE
    FROM weather.weather_requests
    WHERE place_key IS NULL AND hour_at IS NULL
    GROUP BY city, country_code
)

SELECT
    used.place_key,
    coalesce(places.city, used.city, used.place_key) AS place,
    coalesce(places.country_code, used.country_code) AS country_code,
    places.latitude,
    places.longitude,
    used.used_by,
    used.is_observed,
    used.is_observed AND NOT weather.is_current(observations.observed_at) AS is_without_weather,
    CASE WHEN weather.is_current(observations.observed_at) THEN observations.delay_risk END
        AS delay_risk,
    coalesce(observations.conditions, hourly.conditions) AS conditions,
    coalesce(observations.temperature_celsius, hourly.temperature_celsius) AS temperature_celsius,
    coalesce(observations.wind_kmh, hourly.wind_kmh) AS wind_kmh,
    coalesce(observations.observed_at, hourly.hour_at) AS observed_at,
    CASE
        WHEN NOT used.is_observed THEN NULL
        WHEN used.place_key IS NULL AND used.country_code IS NULL
            THEN 'it cannot be looked up: its country is unknown'
        WHEN used.place_key IS NULL THEN 'it cannot be looked up: the address names no place'
        ELSE
            coalesce(
                places.geocoding_problem,
                observation_state.problem,
                CASE WHEN places.latitude IS NULL THEN geocoding_state.problem END
            )
    END AS problem
FROM used
LEFT JOIN weather.places ON used.place_key = places.place_key
LEFT JOIN weather.observations ON places.place_id = observations.place_id
LEFT JOIN weather.hourly
    ON
        places.place_id = hourly.place_id
        AND hourly.hour_at = date_trunc('hour', now(), 'UTC')
LEFT JOIN weather.fetch_state AS observation_state
    ON places.place_id = observation_state.place_id AND observation_state.kind = 'observation'
LEFT JOIN weather.fetch_state AS geocoding_state
    ON places.place_id = geocoding_state.place_id AND geocoding_state.kind = 'geocoding';

COMMENT ON VIEW enriched.weather_places IS
'Places for which sources request weather now, one row each, with their weather. Pages and checks
count places here: those in use, those without weather and those at risk. A place that cannot be
looked up, as its address names no known country or no place, has a row, too. Weather data by Open-Meteo.com
(CC BY 4.0) unless weather.observations names another provider; places by GeoNames (CC BY 4.0).';
COMMENT ON COLUMN enriched.weather_places.place_key IS
'The place, as in weather.places; null if it cannot be looked up.';
COMMENT ON COLUMN enriched.weather_places.place IS
'City or name of the place, or its address if that cannot be looked up.';
COMMENT ON COLUMN enriched.weather_places.country_code IS
'ISO 3166-1 alpha-2 code of the country; null if the source gave coordinates, or it is unknown.';
COMMENT ON COLUMN enriched.weather_places.latitude IS
'Latitude, degrees north; null until the place is found.';
COMMENT ON COLUMN enriched.weather_places.longitude IS
'Longitude, degrees east; null until the place is found.';
COMMENT ON COLUMN enriched.weather_places.used_by IS 'Sources that request its weather.';
COMMENT ON COLUMN enriched.weather_places.is_observed IS
'True if a source requests its current weather, as shipments and hotels do. Of airports and plants,
hours are requested.';
COMMENT ON COLUMN enriched.weather_places.is_without_weather IS
'True if its current weather is requested, but unknown or older than six hours
(weather.is_current).';
COMMENT ON COLUMN enriched.weather_places.delay_risk IS
'Weather that may delay a parcel there now: storm, freezing_rain, snow, heat or none. Null if the
current weather is not requested, unknown or older than six hours (weather.is_current).';
COMMENT ON COLUMN enriched.weather_places.conditions IS
'Last known weather, in words; where only hours are requested, that of the present hour. Null if
unknown.';
COMMENT ON COLUMN enriched.weather_places.temperature_celsius IS
'Air temperature of the same time, °C; null if unknown.';
COMMENT ON COLUMN enriched.weather_places.wind_kmh IS
'Wind speed of the same time, km/h; null if unknown.';
COMMENT ON COLUMN enriched.weather_places.observed_at IS
'Time of the weather; null if it is unknown.';
COMMENT ON COLUMN enriched.weather_places.problem IS
'Why its current weather is unknown or was not renewed; null if nothing is known to be wrong.';
