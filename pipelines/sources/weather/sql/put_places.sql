-- Brings weather.places up to date with what domains use now: both ends of shipments that are on
-- their way or changed within a week.
WITH used AS (
    SELECT DISTINCT ON (addresses.place_key)
        addresses.place_key,
        addresses.country_code,
        addresses.postcode,
        addresses.city
    FROM shipments.shipments
    INNER JOIN shipments.addresses
        ON addresses.address IN (shipments.sender_address, shipments.receiver_address)
    WHERE
        addresses.place_key IS NOT NULL
        AND (shipments.status <> 'delivery' OR shipments.updated_at > :now - interval '7 days')
    ORDER BY addresses.place_key, addresses.address
), gone AS (
    UPDATE weather.places
    SET is_observed = FALSE
    WHERE is_observed AND NOT EXISTS (SELECT FROM used WHERE used.place_key = places.place_key)
)

INSERT INTO weather.places AS held (
    place_key, country_code, postcode, city, geocoding_status, is_observed
)
SELECT
    place_key,
    country_code,
    postcode,
    city,
    'pending',
    TRUE
FROM used
ON CONFLICT (place_key) DO UPDATE SET is_observed = TRUE
WHERE NOT held.is_observed
