-- Which parcels may the weather delay?
--
-- Only parcels on their way are. Weather that is older than six hours counts as unknown.
--
-- rows: 10
SELECT tracking_number, carrier, weather_risk, sender_city, sender_conditions, sender_wind_kmh,
    receiver_city, receiver_conditions
FROM enriched.shipments
WHERE is_at_risk
ORDER BY tracking_number
LIMIT %(rows)s;
