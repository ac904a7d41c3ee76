-- Work: linear, 8,600 buffers
SELECT
    tracking_number, carrier, status, coalesce(weather_risk, 'unknown') AS weather_risk,
    sender_city, sender_conditions, sender_temperature_celsius, sender_latitude, sender_longitude, sender_risk,
    receiver_city, receiver_country_code, receiver_conditions, receiver_temperature_celsius,
    receiver_latitude, receiver_longitude, receiver_risk, total_value, total_value_currency, updated_at,
    greatest(sender_weather_age_minutes, receiver_weather_age_minutes) AS weather_age_minutes,
    count(*) FILTER (WHERE weather_risk <> 'none') OVER () AS risk_rows,
    count(*) OVER () AS total_rows
FROM enriched.shipments
WHERE
    CASE
        WHEN %(statuses)s::text[] IS NULL THEN status <> 'delivery'
        ELSE status = ANY (%(statuses)s)
    END
    AND (%(risks)s::text[] IS NULL OR coalesce(weather_risk, 'unknown') = ANY (%(risks)s))
    AND (%(countries)s::text[] IS NULL OR receiver_country_code = ANY (%(countries)s))
    AND (%(places)s::text[] IS NULL OR sender_city = ANY (%(places)s) OR receiver_city = ANY (%(places)s))
ORDER BY
    array_position('{storm,freezing_rain,snow,heat,none}', weather_risk), tracking_number, carrier
LIMIT 2000;
