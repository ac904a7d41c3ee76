-- The weather of now is a risk for parcels on their way alone. Delivered ones come last, latest first.
SELECT
    tracking_number, carrier, status, CASE WHEN status <> 'delivery' THEN coalesce(weather_risk, 'unknown') END AS weather_risk,
    sender_city, sender_conditions, sender_temperature_celsius, sender_latitude, sender_longitude,
    CASE WHEN status <> 'delivery' THEN sender_risk END AS sender_risk,
    receiver_city, receiver_country_code, receiver_conditions, receiver_temperature_celsius,
    receiver_latitude, receiver_longitude, CASE WHEN status <> 'delivery' THEN receiver_risk END AS receiver_risk,
    total_value, total_value_currency, delivered_at, in_transit_hours, updated_at,
    CASE WHEN status <> 'delivery' THEN greatest(sender_weather_age_minutes, receiver_weather_age_minutes) END AS weather_age_minutes,
    count(*) FILTER (WHERE weather_risk <> 'none' AND status <> 'delivery') OVER () AS risk_rows,
    count(*) FILTER (WHERE weather_risk IS NULL AND status <> 'delivery') OVER () AS unknown_rows,
    count(*) OVER () AS total_rows
FROM enriched.shipments
WHERE
    CASE
        WHEN %(statuses)s::text[] IS NULL THEN status <> 'delivery'
        ELSE status = ANY (%(statuses)s)
    END
    AND (%(risks)s::text[] IS NULL OR (status <> 'delivery' AND coalesce(weather_risk, 'unknown') = ANY (%(risks)s)))
    AND (%(countries)s::text[] IS NULL OR receiver_country_code = ANY (%(countries)s))
    AND (%(places)s::text[] IS NULL OR sender_city = ANY (%(places)s) OR receiver_city = ANY (%(places)s))
ORDER BY
    CASE status WHEN 'delivery' THEN updated_at END DESC NULLS FIRST,
    array_position('{storm,freezing_rain,snow,heat,none}', weather_risk),
    tracking_number,
    carrier
LIMIT 2000;
