-- Claims places that are to be looked up: nobody else does so for a while.
UPDATE weather.places
SET geocoding_retry_at = :claimed_until
WHERE place_id IN (
    SELECT place_id
    FROM weather.places
    WHERE
        geocoding_status = 'pending'
        AND country_code IS NOT NULL
        AND (geocoding_retry_at IS NULL OR geocoding_retry_at <= :now)
    ORDER BY place_id
    LIMIT :most
)
RETURNING place_id, country_code, postcode, city
