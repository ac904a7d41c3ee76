CREATE OR REPLACE VIEW enriched.shipments AS
SELECT
    joined.*,
    round(
        extract(EPOCH FROM coalesce(joined.delivered_at, now()) - joined.first_seen_at) / 3600, 1
    )::double precision AS in_transit_hours
FROM (
    SELECT
        shipments.tracking_number, shipments.carrier, shipments.status, shipments.status_raw,
        shipments.article_count, shipments.units, shipments.total_value,
        (
            SELECT jsonb_agg(
                jsonb_build_object(
                    'sku', articles.sku,
                    'name', articles.article_name,
                    'quantity', articles.quantity,
                    'unit_price', articles.unit_price
                )
                ORDER BY articles.sku
            )
            FROM shipments.articles
            WHERE articles.tracking_number = shipments.tracking_number
                AND articles.carrier = shipments.carrier
        ) AS articles,
        shipments.sender_address,
        sender.street AS sender_street,
        sender.postcode AS sender_postcode,
        sender.city AS sender_city,
        sender.country_code AS sender_country_code,
        shipments.receiver_address,
        receiver.street AS receiver_street,
        receiver.postcode AS receiver_postcode,
        receiver.city AS receiver_city,
        shipments.receiver_country_code,
        shipments.first_seen_at,
        shipments.updated_at,
        sender_place.latitude AS sender_latitude,
        sender_place.longitude AS sender_longitude,
        sender_weather.temperature_celsius AS sender_temperature_celsius,
        sender_weather.conditions AS sender_conditions,
        sender_weather.wind_kmh AS sender_wind_kmh,
        sender_weather.observed_at AS sender_weather_observed_at,
        (extract(EPOCH FROM now() - sender_weather.observed_at) / 60)::integer
            AS sender_weather_age_minutes,
        receiver_place.latitude AS receiver_latitude,
        receiver_place.longitude AS receiver_longitude,
        receiver_weather.temperature_celsius AS receiver_temperature_celsius,
        receiver_weather.conditions AS receiver_conditions,
        receiver_weather.wind_kmh AS receiver_wind_kmh,
        receiver_weather.observed_at AS receiver_weather_observed_at,
        (extract(EPOCH FROM now() - receiver_weather.observed_at) / 60)::integer
            AS receiver_weather_age_minutes,
        weather.worse_risk(risk.at_sender, risk.at_receiver) AS weather_risk,
        shipments.currency AS total_value_currency,
        risk.at_sender AS sender_risk,
        risk.at_receiver AS receiver_risk,
        (
            SELECT jsonb_agg(
                jsonb_build_object('status', status_history.status, 'since', status_history.seen_at)
                ORDER BY status_history.seen_at
            )
            FROM shipments.status_history
            WHERE status_history.tracking_number = shipments.tracking_number
                AND status_history.carrier = shipments.carrier
        ) AS status_history,
        -- By subqueries, which a query that does not select them does not execute.
        (
            SELECT min(history.seen_at)
            FROM shipments.status_history AS history
            WHERE history.tracking_number = shipments.tracking_number
                AND history.carrier = shipments.carrier
                AND history.status IN ('inbound_scan', 'scanned')
        ) AS first_scanned_at,
        CASE
            WHEN shipments.status = 'delivery' THEN (
                SELECT max(history.seen_at)
                FROM shipments.status_history AS history
                WHERE history.tracking_number = shipments.tracking_number
                    AND history.carrier = shipments.carrier
                    AND history.status = 'delivery'
            )
        END AS delivered_at
    FROM shipments.shipments
    INNER JOIN shipments.addresses AS sender ON shipments.sender_address = sender.address
    INNER JOIN shipments.addresses AS receiver ON shipments.receiver_address = receiver.address
    LEFT JOIN weather.places AS sender_place ON sender.place_key = sender_place.place_key
    LEFT JOIN weather.places AS receiver_place ON receiver.place_key = receiver_place.place_key
    LEFT JOIN weather.observations AS sender_weather
        ON sender_place.place_id = sender_weather.place_id
    LEFT JOIN weather.observations AS receiver_weather
        ON receiver_place.place_id = receiver_weather.place_id
    -- Weather from yesterday does not explain a delay today.
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN sender_weather.observed_at >= now() - interval '6 hours'
                    THEN sender_weather.delay_risk
            END AS at_sender,
            CASE
                WHEN receiver_weather.observed_at >= now() - interval '6 hours'
                    THEN receiver_weather.delay_risk
            END AS at_receiver
    ) AS risk
) AS joined;

COMMENT ON VIEW enriched.shipments IS
'Every shipment, one row each, as of the last accepted line about it: contents, sender, receiver,
status, and the weather at both ends. Later lines that were rejected are in ops.quarantine. For one
shipment, query enriched.track. Weather data by Open-Meteo.com (CC BY 4.0) unless
weather.observations names another provider; places by GeoNames (CC BY 4.0).';
COMMENT ON COLUMN enriched.shipments.carrier IS 'Name of the carrier, as sent.';
COMMENT ON COLUMN enriched.shipments.status_raw IS 'The status as sent.';
COMMENT ON COLUMN enriched.shipments.article_count IS 'Number of different articles.';
COMMENT ON COLUMN enriched.shipments.total_value IS
'Sum of quantity times unit price, in total_value_currency.';
COMMENT ON COLUMN enriched.shipments.articles IS
'Contents: a list of objects with sku, name, quantity and unit_price.';
COMMENT ON COLUMN enriched.shipments.sender_address IS 'Address of the sender, as sent.';
COMMENT ON COLUMN enriched.shipments.sender_street IS 'Street and house number of the sender.';
COMMENT ON COLUMN enriched.shipments.sender_postcode IS
'Postcode of the sender; null if the address has none.';
COMMENT ON COLUMN enriched.shipments.sender_city IS
'City of the sender; null if none was found in the address.';
COMMENT ON COLUMN enriched.shipments.sender_country_code IS
'ISO 3166-1 alpha-2 code of the sender''s country; null if unknown.';
COMMENT ON COLUMN enriched.shipments.receiver_address IS 'Address of the receiver, as sent.';
COMMENT ON COLUMN enriched.shipments.receiver_street IS 'Street and house number of the receiver.';
COMMENT ON COLUMN enriched.shipments.receiver_postcode IS
'Postcode of the receiver; null if the address has none.';
COMMENT ON COLUMN enriched.shipments.receiver_city IS
'City of the receiver; null if none was found in the address.';
COMMENT ON COLUMN enriched.shipments.receiver_country_code IS
'ISO 3166-1 alpha-2 code of the receiver''s country; null if unknown.';
COMMENT ON COLUMN enriched.shipments.first_seen_at IS 'When the shipment first appeared in a file.';
COMMENT ON COLUMN enriched.shipments.updated_at IS
'When the shipment or one of its articles last changed.';
COMMENT ON COLUMN enriched.shipments.sender_latitude IS
'Latitude of the sender''s place, degrees north; null until the place is found.';
COMMENT ON COLUMN enriched.shipments.sender_longitude IS
'Longitude of the sender''s place, degrees east; null until the place is found.';
COMMENT ON COLUMN enriched.shipments.sender_temperature_celsius IS
'Current air temperature at the sender, °C; null until known.';
COMMENT ON COLUMN enriched.shipments.sender_conditions IS
'Current weather at the sender, in words; null until it is known.';
COMMENT ON COLUMN enriched.shipments.sender_wind_kmh IS 'Current wind at the sender, km/h; null
until it is known.';
COMMENT ON COLUMN enriched.shipments.sender_weather_observed_at IS
'Time of the weather at the sender; null until it is known.';
COMMENT ON COLUMN enriched.shipments.sender_weather_age_minutes IS
'Age of the weather at the sender, minutes; null until it is known. The weather is requested again every two hours while the
shipment is on its way or if it changed within the last week.';
COMMENT ON COLUMN enriched.shipments.receiver_latitude IS
'Latitude of the receiver''s place, degrees north; null until the place is found.';
COMMENT ON COLUMN enriched.shipments.receiver_longitude IS
'Longitude of the receiver''s place, degrees east; null until the place is found.';
COMMENT ON COLUMN enriched.shipments.receiver_temperature_celsius IS
'Current air temperature at the receiver, °C; null until known.';
COMMENT ON COLUMN enriched.shipments.receiver_conditions IS
'Current weather at the receiver, in words; null until it is known.';
COMMENT ON COLUMN enriched.shipments.receiver_wind_kmh IS 'Current wind at the receiver, km/h; null
until it is known.';
COMMENT ON COLUMN enriched.shipments.receiver_weather_observed_at IS
'Time of the weather at the receiver; null until it is known.';
COMMENT ON COLUMN enriched.shipments.receiver_weather_age_minutes IS
'Age of the weather at the receiver, minutes; null until it is known. The weather is requested again every two hours while
the shipment is on its way or if it changed within the last week.';
COMMENT ON COLUMN enriched.shipments.weather_risk IS
'Weather that may delay the parcel at either end, the worst if there are several. From worst to
least: storm (thunderstorm, or wind of 75 km/h or more), freezing_rain, snow, heat (35 °C or more),
none. A rule of thumb from the last known weather, if it is at most six hours old. It says nothing
of a delivered parcel: filter by status <> ''delivery''. Null if the
weather at one end is unknown or older and the other end has no risk. For the age, see
sender_weather_age_minutes and receiver_weather_age_minutes.';
COMMENT ON COLUMN enriched.shipments.total_value_currency IS
'ISO 4217 code of total_value and of unit_price in articles. The files do not state a currency, so
this is the value of SHIPMENTS_CURRENCY when the last file with the shipment was loaded; null if it
was not set.';
COMMENT ON COLUMN enriched.shipments.sender_risk IS
'weather_risk at the sender only; null if the weather there is unknown or older than six hours.';
COMMENT ON COLUMN enriched.shipments.receiver_risk IS
'weather_risk at the receiver only; null if the weather there is unknown or older than six hours.';
COMMENT ON COLUMN enriched.shipments.status_history IS
'Status changes, oldest first: a list of objects with status and since, the time when a file with
that status was loaded.';
COMMENT ON COLUMN enriched.shipments.first_scanned_at IS
'When a file first had it scanned (inbound_scan or scanned); null if none did.';
COMMENT ON COLUMN enriched.shipments.delivered_at IS
'When a file had it delivered, the last time if its status was set back; null if it is not
delivered.';
COMMENT ON COLUMN enriched.shipments.in_transit_hours IS
'Hours from first_seen_at to delivered_at, or until now if it is not delivered. A parcel that was
first seen under way or delivered has only the end of its journey: for averages of whole journeys,
filter by delivered_at IS NOT NULL AND first_scanned_at IS NOT NULL.';
