-- What is the status of a parcel, and the weather at both ends?
--
-- The carrier may be in upper or lower case. A missing argument is an error; an unknown shipment returns no row.
-- `*_weather_age_minutes` show how old the weather is.
--
-- carrier: DHL
SELECT status, units, total_value, sender_city, sender_conditions, sender_temperature_celsius,
    receiver_city, receiver_conditions, receiver_temperature_celsius, receiver_weather_observed_at
FROM enriched.track((
    SELECT min(tracking_number) FROM enriched.shipments WHERE carrier = %(carrier)s AND status = 'in_transit'
), %(carrier)s);
