-- Work: linear, 320 buffers
CREATE OR REPLACE VIEW shipments.weather_requests AS
SELECT DISTINCT ON (addresses.place_key)
    addresses.place_key,
    addresses.country_code,
    CASE
        WHEN addresses.postcode IS NULL THEN NULL
        WHEN substr(addresses.place_key, 4) = replace(addresses.postcode, ' ', '')
            THEN addresses.postcode
        ELSE substr(addresses.place_key, 4)
    END AS postcode,
    addresses.city,
    NULL::double precision AS latitude,
    NULL::double precision AS longitude,
    NULL::timestamptz AS hour_at,
    NULL::date AS day
FROM shipments.addresses
WHERE
    addresses.place_key IS NOT NULL
    AND addresses.address IN (
        SELECT ends.address
        FROM shipments.shipments
        CROSS JOIN LATERAL (
            VALUES (shipments.sender_address), (shipments.receiver_address)
        ) AS ends (address)
        WHERE shipments.status <> 'delivery' OR shipments.updated_at > now() - interval '7 days'
    )
ORDER BY addresses.place_key, addresses.address;

COMMENT ON VIEW shipments.weather_requests IS
'Places for which shipments need the current weather: both ends of shipments that are on their way
or changed within the last seven days. Part of weather.weather_requests.';
COMMENT ON COLUMN shipments.weather_requests.place_key IS 'The place, as in weather.places.';
COMMENT ON COLUMN shipments.weather_requests.country_code IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN shipments.weather_requests.postcode IS
'Postcode, reduced to the part that can be geocoded: 1016 for 1016 BZ; null if there is none.';
COMMENT ON COLUMN shipments.weather_requests.city IS 'Name of the city.';
COMMENT ON COLUMN shipments.weather_requests.latitude IS 'Null: looked up by address.';
COMMENT ON COLUMN shipments.weather_requests.longitude IS 'Null: looked up by address.';
COMMENT ON COLUMN shipments.weather_requests.hour_at IS 'Null: the current weather is requested.';
COMMENT ON COLUMN shipments.weather_requests.day IS 'Null, like hour_at.';
