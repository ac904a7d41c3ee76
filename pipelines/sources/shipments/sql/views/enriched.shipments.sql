CREATE OR REPLACE VIEW enriched.shipments AS
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
            ORDER BY status_history.seen_at, status_history.sequence
        )
        FROM shipments.status_history
        WHERE status_history.tracking_number = shipments.tracking_number
            AND status_history.carrier = shipments.carrier
    ) AS status_history,
    shipments.first_scanned_at,
    shipments.delivered_at,
    round(
        extract(EPOCH FROM coalesce(shipments.delivered_at, now()) - shipments.first_seen_at)
        / 3600, 1
    )::double precision AS in_transit_hours,
    shipments.status_class,
    shipments.status_changed_at,
    shipments.is_on_its_way,
    shipments.is_silent,
    shipments.is_on_its_way
    AND weather.worse_risk(risk.at_sender, risk.at_receiver) <> 'none' AS is_at_risk,
    shipments.promised_on,
    (shipments.delivered_at AT TIME ZONE coalesce(receiver.time_zone, 'UTC'))::date
    <= shipments.promised_on AS is_on_time,
    shipments.is_open
    AND shipments.promised_on IS NOT NULL
    AND shipments.promised_on < (now() AT TIME ZONE coalesce(receiver.time_zone, 'UTC'))::date
        AS is_overdue,
    shipments.transit_hours,
    (
        SELECT max(rejected_news.rejected_at)
        FROM shipments.rejected_news
        WHERE
            rejected_news.tracking_number = shipments.tracking_number
            AND rejected_news.carrier = shipments.carrier
            AND rejected_news.rejected_at > shipments.last_seen_at
    ) AS newer_rejected_at,
    shipments.exceptions
FROM shipments.states AS shipments
-- Left joins, which a query that selects nothing of them does not execute.
LEFT JOIN shipments.addresses AS sender ON shipments.sender_address = sender.address
LEFT JOIN shipments.addresses AS receiver ON shipments.receiver_address = receiver.address
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
            WHEN weather.is_current(sender_weather.observed_at) THEN sender_weather.delay_risk
        END AS at_sender,
        CASE
            WHEN weather.is_current(receiver_weather.observed_at) THEN receiver_weather.delay_risk
        END AS at_receiver
) AS risk;

COMMENT ON VIEW enriched.shipments IS
'Every shipment, one row each, as of the last file with an accepted line: contents, sender, receiver,
status and the weather at both ends. newer_rejected_at says that a later file has lines
about it that were rejected. For one shipment, query enriched.track. Weather data by Open-Meteo.com (CC BY 4.0) unless
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
COMMENT ON COLUMN enriched.shipments.first_seen_at IS
'Time of the first file with the shipment.';
COMMENT ON COLUMN enriched.shipments.updated_at IS
'When a load last changed the shipment or one of its articles.';
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
'Age of the weather at the sender, minutes; null until it is known. The weather is requested again every
two hours while the shipment is on its way.';
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
'Age of the weather at the receiver, minutes; null until it is known. The weather is requested again every
two hours while the shipment is on its way.';
COMMENT ON COLUMN enriched.shipments.weather_risk IS
'Weather that may delay the parcel at either end, the worst if there are several. From worst to
least: storm (thunderstorm, or wind of 75 km/h or more), freezing_rain, snow, heat (35 °C or more),
none. A rule of thumb from the last known weather, if it is at most six hours old. It says nothing
of a parcel that is not on its way: for those at risk, filter by is_at_risk. Null if the
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
'Status changes, oldest first: a list of objects with status and since, the time of the first file
with that status.';
COMMENT ON COLUMN enriched.shipments.first_scanned_at IS
'Time of the first file that has it scanned (inbound_scan or scanned); null if none does.';
COMMENT ON COLUMN enriched.shipments.delivered_at IS
'Time of the file that has it delivered, the last one if its status was set back; null if it is not
delivered.';
COMMENT ON COLUMN enriched.shipments.in_transit_hours IS
'Hours from first_seen_at to delivered_at, or until now if it is not delivered, even if it is lost. A
parcel that was first seen delivered has 0: use transit_hours, which knows whole journeys only.';
COMMENT ON COLUMN enriched.shipments.status_class IS
'What the status means: under_way or exception, or an end: delivered, returned, lost or cancelled. A
status without a known meaning counts as under_way. Later news reopen what has ended.';
COMMENT ON COLUMN enriched.shipments.status_changed_at IS
'Time of the file with which the status came. The same status in later files is no news.';
COMMENT ON COLUMN enriched.shipments.is_on_its_way IS
'Whether it has not ended (under_way or exception) and its status changed within the last
SHIPMENTS_STALE_DAYS (30). Only for such parcels is present weather requested.';
COMMENT ON COLUMN enriched.shipments.is_silent IS
'Whether it has not ended, but its status has not changed for SHIPMENTS_STALE_DAYS (30) or longer.';
COMMENT ON COLUMN enriched.shipments.is_at_risk IS
'Whether it is on its way and weather that is at most six hours old may delay it at either end
(weather_risk). Null if that weather is unknown.';
COMMENT ON COLUMN enriched.shipments.promised_on IS
'Day of the receiver on which it should be delivered at the latest: the first one that a file names.
Null if none does.';
COMMENT ON COLUMN enriched.shipments.is_on_time IS
'Whether it was delivered on the promised day or earlier, by the clocks of the receiver''s country. UTC
is used where they differ within the country. Null without a promise, or if it is not delivered.';
COMMENT ON COLUMN enriched.shipments.is_overdue IS
'Whether it has not ended although the promised day is over where the receiver is. Includes silent
parcels.';
COMMENT ON COLUMN enriched.shipments.transit_hours IS
'Hours from the first file that has it under way (or with an exception) to the one that has it
delivered. Null if it is not delivered, or was first seen delivered: its journey is unknown.';
COMMENT ON COLUMN enriched.shipments.newer_rejected_at IS
'Time of the newest file whose lines about it were rejected, if that is later than all of its accepted
ones, so that its status may be out of date. Null if there is none. Their reasons are in
ops.quarantine. A file that was rejected as a whole (ops.deliveries.problem) does not count, nor one of
the same time.';
COMMENT ON COLUMN enriched.shipments.exceptions IS
'How often its status became that of an exception; 0 if never.';
