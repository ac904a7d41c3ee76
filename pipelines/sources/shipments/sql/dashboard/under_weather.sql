-- Parcels on their way under the worst weather of all, and the city where most of them are.
-- Work: linear, 4,000 buffers
SELECT
    weather_risk AS link_risk,
    replace(weather_risk, '_', ' ') AS weather,
    count(*) AS parcels,
    mode() WITHIN GROUP (
        ORDER BY CASE weather_risk WHEN sender_risk THEN sender_city ELSE receiver_city END
    ) AS city
FROM enriched.shipments
WHERE status <> 'delivery' AND weather_risk IN ('storm', 'freezing_rain', 'snow', 'heat')
GROUP BY weather_risk
ORDER BY array_position('{storm,freezing_rain,snow,heat}', weather_risk)
LIMIT 1;
