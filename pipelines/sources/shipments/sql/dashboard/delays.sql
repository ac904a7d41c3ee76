-- How long delivered parcels took, by the worst weather in the hours in which they were sent and delivered. Those that
-- were never seen scanned were under way already when they were first seen.
SELECT
    coalesce(worst_risk, 'unknown') AS weather,
    count(*) AS parcels,
    avg(in_transit_hours) AS mean_in_transit_hours,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY in_transit_hours) AS median_in_transit_hours,
    max(in_transit_hours) AS longest_in_transit_hours
FROM enriched.shipment_weather
WHERE delivered_at IS NOT NULL AND first_scanned_at IS NOT NULL
GROUP BY worst_risk
ORDER BY array_position('{storm,freezing_rain,snow,heat,none}', worst_risk);
