-- The weather of now is a risk for parcels on their way alone. What ended comes last, latest first, of 14 days.
SELECT
    tracking_number, carrier, status,
    CASE WHEN is_on_its_way THEN coalesce(weather_risk, 'unknown') END AS weather_risk,
    sender_city, sender_conditions, sender_temperature_celsius, sender_latitude, sender_longitude,
    CASE WHEN is_on_its_way THEN sender_risk END AS sender_risk,
    receiver_city, receiver_country_code, receiver_conditions, receiver_temperature_celsius,
    receiver_latitude, receiver_longitude, CASE WHEN is_on_its_way THEN receiver_risk END AS receiver_risk,
    total_value, total_value_currency, promised_on, is_overdue, delivered_at, transit_hours, status_changed_at,
    CASE
        WHEN is_on_its_way THEN greatest(sender_weather_age_minutes, receiver_weather_age_minutes)
    END AS weather_age_minutes,
    count(*) FILTER (WHERE is_at_risk) OVER () AS risk_rows,
    count(*) FILTER (WHERE is_at_risk IS NULL) OVER () AS unknown_rows,
    count(*) FILTER (WHERE is_overdue) OVER () AS overdue_rows,
    count(promised_on) OVER () AS promised_rows,
    count(*) OVER () AS total_rows
FROM (
    SELECT * FROM enriched.shipments
    WHERE is_on_its_way AND (%(statuses)s::text[] IS NULL OR status = ANY (%(statuses)s))
    UNION ALL
    SELECT * FROM enriched.shipments
    WHERE %(statuses)s::text[] IS NOT NULL AND is_silent AND 'silent' = ANY (%(statuses)s)
    UNION ALL
    SELECT * FROM enriched.shipments
    WHERE
        %(statuses)s::text[] IS NOT NULL
        AND NOT (status_class IN ('under_way', 'exception'))
        AND status_changed_at > now() - interval '14 days'
        AND updated_at > now() - interval '14 days'  -- follows from it, and has an index
        AND status = ANY (%(statuses)s)
) AS chosen
WHERE
    (%(risks)s::text[] IS NULL OR is_on_its_way AND coalesce(weather_risk, 'unknown') = ANY (%(risks)s))
    AND (%(countries)s::text[] IS NULL OR receiver_country_code = ANY (%(countries)s))
    AND (%(places)s::text[] IS NULL OR sender_city = ANY (%(places)s) OR receiver_city = ANY (%(places)s))
ORDER BY
    is_on_its_way DESC,
    CASE WHEN is_on_its_way THEN array_position('{storm,freezing_rain,snow,heat,none}', weather_risk) END,
    CASE WHEN NOT is_on_its_way THEN status_changed_at END DESC,
    tracking_number,
    carrier
LIMIT 2000;
