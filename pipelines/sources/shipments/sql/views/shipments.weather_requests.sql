CREATE OR REPLACE VIEW shipments.weather_requests AS
WITH on_their_way AS (
    SELECT sender_address, receiver_address, first_sender_address, first_seen_at
    FROM shipments.states
    WHERE is_on_its_way
), ended AS (
    SELECT receiver_address, first_sender_address, first_seen_at, delivered_at
    FROM shipments.states
    WHERE
        NOT is_open
        AND status_changed_at > now() - interval '7 days'
        AND updated_at > now() - interval '7 days'  -- follows from it, and has an index
), requests AS (
    SELECT unnest(ARRAY[sender_address, receiver_address]) AS address, NULL::timestamptz AS hour_at
    FROM on_their_way
    UNION
    SELECT first_sender_address, date_trunc('hour', first_seen_at, 'UTC')
    FROM (
        SELECT first_sender_address, first_seen_at FROM on_their_way
        UNION ALL
        SELECT first_sender_address, first_seen_at FROM ended
    ) AS sent
    WHERE first_seen_at > now() - interval '30 days'
    UNION
    SELECT receiver_address, date_trunc('hour', delivered_at, 'UTC')
    FROM ended
    WHERE delivered_at IS NOT NULL
)

SELECT DISTINCT ON (
    addresses.place_key, requests.hour_at,
    CASE WHEN addresses.place_key IS NULL THEN addresses.address END
)
    addresses.place_key,
    addresses.country_code,
    CASE
        WHEN substr(addresses.place_key, 4) = replace(addresses.postcode, ' ', '')
            THEN addresses.postcode
        WHEN addresses.postcode IS NOT NULL THEN substr(addresses.place_key, 4)
    END AS postcode,
    CASE
        WHEN addresses.place_key IS NOT NULL THEN addresses.city
        ELSE coalesce(nullif(concat_ws(', ', addresses.city, addresses.country), ''), addresses.address)
    END AS city,
    NULL::double precision AS latitude,
    NULL::double precision AS longitude,
    requests.hour_at,
    (requests.hour_at AT TIME ZONE 'UTC')::date AS day
FROM requests
INNER JOIN shipments.addresses ON requests.address = addresses.address
-- An address without a place requests no weather, but is known to have none.
WHERE addresses.place_key IS NOT NULL OR requests.hour_at IS NULL
ORDER BY
    addresses.place_key,
    requests.hour_at,
    CASE WHEN addresses.place_key IS NULL THEN addresses.address END,
    addresses.address;

COMMENT ON VIEW shipments.weather_requests IS
'Places and hours for which shipments need weather: the present weather at both ends of those on their
way, and that of the hours in which they were sent and delivered. The hours of those that ended are
requested for a week, and their present weather is not. Silent ones request nothing. Part of
weather.weather_requests.';
COMMENT ON COLUMN shipments.weather_requests.place_key IS
'The place, as in weather.places; null if the address names none, so that it has no weather.';
COMMENT ON COLUMN shipments.weather_requests.country_code IS
'ISO 3166-1 alpha-2 code of the country.';
COMMENT ON COLUMN shipments.weather_requests.postcode IS
'Postcode, reduced to the part that can be geocoded: 1016 for 1016 BZ; null if there is none.';
COMMENT ON COLUMN shipments.weather_requests.city IS
'Name of the city. Without a place, also that of the country, or the address if both are unknown.';
COMMENT ON COLUMN shipments.weather_requests.latitude IS 'Null: looked up by address.';
COMMENT ON COLUMN shipments.weather_requests.longitude IS 'Null: looked up by address.';
COMMENT ON COLUMN shipments.weather_requests.hour_at IS
'Start of the hour; null: the current weather is requested.';
COMMENT ON COLUMN shipments.weather_requests.day IS 'UTC date of hour_at; null with it.';
