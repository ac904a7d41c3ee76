-- Parcels on their way under the worst weather of all, and the city at an end of most of them.
WITH at_risk AS MATERIALIZED (
    SELECT weather_risk, sender_city, sender_risk, receiver_city, receiver_risk
    FROM enriched.shipments
    WHERE is_at_risk
),

worst AS (
    SELECT weather_risk, count(*) AS parcels
    FROM at_risk
    GROUP BY weather_risk
    ORDER BY array_position('{storm,freezing_rain,snow,heat}', weather_risk)
    LIMIT 1
)

SELECT
    replace(worst.weather_risk, '_', ' ') AS link_risk,
    replace(worst.weather_risk, '_', ' ') AS weather,
    CASE worst.parcels WHEN 1 THEN '1 parcel is' ELSE worst.parcels || ' parcels are' END AS parcels,
    most.city,
    CASE WHEN most.parcels < worst.parcels THEN most.parcels || ' of them' ELSE 'all' END AS parcels_there
FROM worst
CROSS JOIN LATERAL (
    SELECT ends.city, count(*) AS parcels
    FROM at_risk
    CROSS JOIN LATERAL (
        SELECT sender_city AS city WHERE sender_risk = worst.weather_risk
        UNION
        SELECT receiver_city WHERE receiver_risk = worst.weather_risk
    ) AS ends
    WHERE at_risk.weather_risk = worst.weather_risk AND ends.city IS NOT NULL
    GROUP BY ends.city
    ORDER BY count(*) DESC, ends.city
    LIMIT 1
) AS most;
