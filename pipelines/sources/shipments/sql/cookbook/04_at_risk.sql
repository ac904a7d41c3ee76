-- Which parcels may the weather delay?
--
-- If the weather is older than six hours, `weather_risk` is null.
--
-- rows: 10
SELECT tracking_number, carrier, weather_risk, sender_city, sender_conditions, sender_wind_kmh,
    receiver_city, receiver_conditions
FROM enriched.shipments
WHERE weather_risk IN ('storm', 'freezing_rain', 'snow', 'heat') AND status <> 'delivery'
ORDER BY tracking_number
LIMIT %(rows)s;
