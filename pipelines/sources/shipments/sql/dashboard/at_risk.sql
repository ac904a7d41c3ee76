SELECT
    tracking_number, carrier, status, weather_risk,
    sender_city, sender_conditions, receiver_city, receiver_conditions, updated_at
FROM enriched.shipments
WHERE weather_risk IN ('storm', 'freezing_rain', 'snow') AND status <> 'delivery'
ORDER BY array_position('{storm,freezing_rain,snow}', weather_risk), tracking_number
LIMIT 200;
