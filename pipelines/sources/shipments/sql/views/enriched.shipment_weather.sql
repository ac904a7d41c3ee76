CREATE OR REPLACE VIEW enriched.shipment_weather AS
SELECT
    shipments.tracking_number,
    shipments.carrier,
    shipments.status,
    sender.city AS sender_city,
    sender.country_code AS sender_country_code,
    receiver.city AS receiver_city,
    receiver.country_code AS receiver_country_code,
    shipments.first_seen_at AS sent_at,
    shipments.first_scanned_at,
    shipments.delivered_at,
    round(extract(EPOCH FROM shipments.delivered_at - shipments.first_seen_at) / 3600, 1)::double precision
        AS in_transit_hours,
    sent.temperature_celsius AS sent_temperature_celsius,
    sent.precipitation_mm AS sent_precipitation_mm,
    sent.wind_kmh AS sent_wind_kmh,
    sent.conditions AS sent_conditions,
    risk.at_sender AS sent_risk,
    delivered.temperature_celsius AS delivered_temperature_celsius,
    delivered.precipitation_mm AS delivered_precipitation_mm,
    delivered.wind_kmh AS delivered_wind_kmh,
    delivered.conditions AS delivered_conditions,
    risk.at_receiver AS delivered_risk,
    weather.worse_risk(risk.at_sender, risk.at_receiver) AS worst_risk,
    shipments.status_class,
    shipments.transit_hours
FROM shipments.states AS shipments
LEFT JOIN shipments.addresses AS sender ON shipments.first_sender_address = sender.address
LEFT JOIN shipments.addresses AS receiver ON shipments.receiver_address = receiver.address
LEFT JOIN weather.places AS sender_place ON sender.place_key = sender_place.place_key
LEFT JOIN weather.places AS receiver_place ON receiver.place_key = receiver_place.place_key
LEFT JOIN weather.hourly AS sent
    ON
        sender_place.place_id = sent.place_id
        AND sent.hour_at = date_trunc('hour', shipments.first_seen_at, 'UTC')
LEFT JOIN weather.hourly AS delivered
    ON
        receiver_place.place_id = delivered.place_id
        AND delivered.hour_at = date_trunc('hour', shipments.delivered_at, 'UTC')
CROSS JOIN LATERAL (
    SELECT
        weather.delay_risk(sent.wmo_code, sent.wind_kmh, sent.temperature_celsius) AS at_sender,
        weather.delay_risk(
            delivered.wmo_code, delivered.wind_kmh, delivered.temperature_celsius
        ) AS at_receiver
) AS risk;

COMMENT ON VIEW enriched.shipment_weather IS
'Every shipment with the weather when it was there. That is the weather at the sender in the hour in
which it was sent, and at the receiver in the hour in which it was delivered. The sender of a returned
shipment is who sent it first. It is kept, so that
delays can be compared with the weather. Requested for shipments on their way that were first seen within
30 days, and for a week after they ended. For the weather of now, query enriched.shipments. Weather data by Open-Meteo.com (CC BY 4.0); places by GeoNames (CC BY
4.0).';
COMMENT ON COLUMN enriched.shipment_weather.carrier IS 'Name of the carrier, as sent.';
COMMENT ON COLUMN enriched.shipment_weather.sender_city IS
'City from which it was sent; null if none was found in the address.';
COMMENT ON COLUMN enriched.shipment_weather.sender_country_code IS
'ISO 3166-1 alpha-2 code of the sender''s country; null if unknown.';
COMMENT ON COLUMN enriched.shipment_weather.receiver_city IS
'City of the receiver; null if none was found in the address.';
COMMENT ON COLUMN enriched.shipment_weather.receiver_country_code IS
'ISO 3166-1 alpha-2 code of the receiver''s country; null if unknown.';
COMMENT ON COLUMN enriched.shipment_weather.sent_at IS
'Time of the first file with the shipment.';
COMMENT ON COLUMN enriched.shipment_weather.first_scanned_at IS
'Time of the first file that has it scanned (inbound_scan or scanned); null if none does.';
COMMENT ON COLUMN enriched.shipment_weather.delivered_at IS
'Time of the file that has it delivered, the last one if its status was set back; null if it is not
delivered.';
COMMENT ON COLUMN enriched.shipment_weather.in_transit_hours IS
'Hours from sent_at to delivered_at; null if it is not delivered. A parcel that was first seen
delivered has 0: use transit_hours, which knows whole journeys only.';
COMMENT ON COLUMN enriched.shipment_weather.sent_temperature_celsius IS
'Air temperature at the sender at sent_at, °C; null if unknown.';
COMMENT ON COLUMN enriched.shipment_weather.sent_precipitation_mm IS
'Precipitation there in the hour before, mm (snow as water); null if unknown.';
COMMENT ON COLUMN enriched.shipment_weather.sent_wind_kmh IS
'Wind speed there at 10 m, km/h; null if unknown.';
COMMENT ON COLUMN enriched.shipment_weather.sent_conditions IS
'Weather conditions there, in words; null if unknown.';
COMMENT ON COLUMN enriched.shipment_weather.sent_risk IS
'Weather there that may delay a parcel: storm, freezing_rain, snow, heat or none
(weather.delay_risk); null if unknown.';
COMMENT ON COLUMN enriched.shipment_weather.delivered_temperature_celsius IS
'Air temperature at the receiver at delivered_at, °C; null if unknown or not delivered.';
COMMENT ON COLUMN enriched.shipment_weather.delivered_precipitation_mm IS
'Precipitation there in the hour before, mm (snow as water); null if unknown or not delivered.';
COMMENT ON COLUMN enriched.shipment_weather.delivered_wind_kmh IS
'Wind speed there at 10 m, km/h; null if unknown or not delivered.';
COMMENT ON COLUMN enriched.shipment_weather.delivered_conditions IS
'Weather conditions there, in words; null if unknown or not delivered.';
COMMENT ON COLUMN enriched.shipment_weather.delivered_risk IS
'As sent_risk, at the receiver at delivered_at; null if unknown or not delivered.';
COMMENT ON COLUMN enriched.shipment_weather.worst_risk IS
'The worse of sent_risk and delivered_risk; null if one is unknown and the other is no risk.';
COMMENT ON COLUMN enriched.shipment_weather.status IS
'Status, as in enriched.shipments.';
COMMENT ON COLUMN enriched.shipment_weather.status_class IS
'What the status means, as in enriched.shipments.';
COMMENT ON COLUMN enriched.shipment_weather.transit_hours IS
'Hours from the first file that has it under way to the one that has it delivered, as in
enriched.shipments. Null if it is not delivered, or was first seen delivered.';
