CREATE OR REPLACE VIEW shipments.weather_requests AS
WITH recent AS (
    SELECT
        tracking_number, carrier, sender_address, receiver_address,
        coalesce(sent_from_address, sender_address) AS sent_from_address,
        first_seen_at,
        status
    FROM shipments.shipments
    WHERE status <> 'delivery' OR updated_at > now() - interval '7 days'
), hours AS (
    SELECT
        recent.sent_from_address AS address,
        date_trunc('hour', recent.first_seen_at, 'UTC') AS hour_at
    FROM recent
    WHERE recent.first_seen_at > now() - interval '30 days'
    UNION
    SELECT
        recent.receiver_address,
        date_trunc('hour', max(history.seen_at), 'UTC')
    FROM recent
    INNER JOIN shipments.status_history AS history USING (tracking_number, carrier)
    WHERE recent.status = 'delivery' AND history.status = 'delivery'
    GROUP BY recent.tracking_number, recent.carrier, recent.receiver_address
)

(
    SELECT DISTINCT ON (addresses.place_key)
        addresses.place_key,
        addresses.country_code,
        CASE
            WHEN substr(addresses.place_key, 4) = replace(addresses.postcode, ' ', '')
                THEN addresses.postcode
            WHEN addresses.postcode IS NOT NULL THEN substr(addresses.place_key, 4)
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
            SELECT unnest(ARRAY[sender_address, receiver_address, sent_from_address]) FROM recent
        )
    ORDER BY addresses.place_key, addresses.address
)
UNION ALL
SELECT DISTINCT
    addresses.place_key,
    NULL::text, NULL::text, NULL::text, NULL::double precision, NULL::double precision,
    hours.hour_at,
    (hours.hour_at AT TIME ZONE 'UTC')::date
FROM hours
INNER JOIN shipments.addresses ON hours.address = addresses.address
WHERE addresses.place_key IS NOT NULL;

COMMENT ON VIEW shipments.weather_requests IS
'Places and hours for which shipments need weather, if they are on their way or changed within the
last seven days: the current weather at both ends, and that of the hours in which they were sent and
delivered. Part of weather.weather_requests.';
COMMENT ON COLUMN shipments.weather_requests.place_key IS 'The place, as in weather.places.';
COMMENT ON COLUMN shipments.weather_requests.country_code IS
'ISO 3166-1 alpha-2; null in rows for an hour.';
COMMENT ON COLUMN shipments.weather_requests.postcode IS
'Postcode, reduced to the part that can be geocoded: 1016 for 1016 BZ; null if there is none,
and in rows for an hour.';
COMMENT ON COLUMN shipments.weather_requests.city IS 'Name of the city; null in rows for an hour.';
COMMENT ON COLUMN shipments.weather_requests.latitude IS 'Null: looked up by address.';
COMMENT ON COLUMN shipments.weather_requests.longitude IS 'Null: looked up by address.';
COMMENT ON COLUMN shipments.weather_requests.hour_at IS
'Start of the hour; null: the current weather is requested.';
COMMENT ON COLUMN shipments.weather_requests.day IS 'UTC date of hour_at; null with it.';
