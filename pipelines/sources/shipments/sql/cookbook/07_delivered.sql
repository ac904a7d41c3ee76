-- Which parcels were delivered last, how long did they take, and in which weather?
--
-- The weather is that of the hours in which a parcel was sent and delivered. `worst_risk` is null if one is not known,
-- and `transit_hours` if the parcel was first seen delivered.
--
-- rows: 10
SELECT tracking_number, carrier, delivered_at, transit_hours, sender_city, sent_conditions,
    receiver_city, delivered_conditions, worst_risk
FROM enriched.shipment_weather
WHERE delivered_at IS NOT NULL
ORDER BY delivered_at DESC, tracking_number, carrier
LIMIT %(rows)s;
