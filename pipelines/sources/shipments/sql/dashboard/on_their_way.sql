-- Work: linear, 8,600 buffers
SELECT
    tracking_number, carrier, status, coalesce(weather_risk, 'unknown') AS weather_risk,
    sender_city, sender_conditions, sender_temperature_celsius, sender_latitude, sender_longitude,
    receiver_city, receiver_country_code, receiver_conditions, receiver_temperature_celsius,
    receiver_latitude, receiver_longitude, receiver_weather_age_minutes
FROM enriched.shipments
WHERE status <> 'delivery'
ORDER BY tracking_number, carrier
LIMIT 2000;
