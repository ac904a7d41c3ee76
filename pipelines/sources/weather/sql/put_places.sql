-- Upserts weather.places from what sources request now.
WITH requested AS (
    SELECT DISTINCT ON (place_key)
        place_key, country_code, postcode, city, latitude, longitude, hour_at IS NULL AS is_observed
    FROM weather.requested_places
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
    place_key, country_code, postcode, city, latitude,
    CASE WHEN latitude IS NOT NULL THEN longitude END,
    CASE WHEN latitude IS NULL THEN 'pending' ELSE 'given' END,
    is_observed
FROM requested
ON CONFLICT (place_key) DO UPDATE SET is_observed = TRUE
WHERE excluded.is_observed AND NOT stored.is_observed
