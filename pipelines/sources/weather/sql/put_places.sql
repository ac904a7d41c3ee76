-- Upserts weather.places from what sources request now. Only rows that describe a place, by
-- coordinates or by an address, register one: the planner skips parts of the union that never do.
-- A row whose coordinates are not those of its key is none: it would move the places of others.
WITH requested AS (
    SELECT DISTINCT ON (place_key)
        place_key,
        country_code,
        postcode,
        city,
        latitude,
        longitude,
        hour_at IS NULL AS is_observed
    FROM weather.weather_requests
    WHERE
        place_key IS NOT NULL
        AND CASE
            WHEN latitude IS NULL THEN country_code IS NOT NULL
            ELSE place_key = weather.place_key(latitude, longitude)
        END
    ORDER BY place_key, hour_at IS NULL DESC, latitude IS NULL, source, latitude, longitude, city
), unused AS (
    UPDATE weather.places
    SET is_observed = FALSE
    WHERE
        is_observed
        AND NOT EXISTS (
            SELECT FROM requested
            WHERE requested.place_key = places.place_key AND requested.is_observed
        )
)

INSERT INTO weather.places AS stored (
    place_key, country_code, postcode, city, latitude, longitude, geocoding_status, is_observed
)
SELECT
    place_key,
    country_code,
    postcode,
    city,
    latitude,
    CASE WHEN latitude IS NOT NULL THEN longitude END,
    CASE WHEN latitude IS NULL THEN 'pending' ELSE 'given' END,
    is_observed
FROM requested
ON CONFLICT (place_key) DO UPDATE SET is_observed = TRUE
WHERE excluded.is_observed AND NOT stored.is_observed
