-- Work: linear, 370 buffers
SELECT
    tracking_number,
    carrier,
    status,
    weather_risk,
    total_value,
    total_value_currency,
    sender_city,
    sender_conditions,
    receiver_city,
    receiver_conditions,
    greatest(sender_weather_age_minutes, receiver_weather_age_minutes) AS weather_age_minutes,
    updated_at,
    count(*) OVER () AS total_rows
FROM enriched.shipments
WHERE weather_risk <> 'none' AND status <> 'delivery'
ORDER BY array_position('{storm,freezing_rain,snow,heat}', weather_risk), tracking_number, carrier
LIMIT 200;
