-- What is the status of a parcel, and the weather at both ends?
--
-- The carrier may be in upper or lower case. A missing argument is an error; an unknown shipment returns no row.
-- `*_weather_age_minutes` show how old the weather is. `newer_rejected_at` says that a later file has lines about it
-- that were rejected.
--
-- carrier: DHL
SELECT status, status_changed_at, promised_on, newer_rejected_at, sender_city, sender_conditions,
    receiver_city, receiver_conditions, receiver_weather_observed_at
FROM enriched.track((
    SELECT tracking_number FROM enriched.shipments WHERE carrier = %(carrier)s AND is_on_its_way
    ORDER BY tracking_number LIMIT 1
), %(carrier)s);
