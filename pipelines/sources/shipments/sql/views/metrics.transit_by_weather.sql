CREATE OR REPLACE VIEW metrics.transit_by_weather AS
SELECT
    coalesce(worst_risk, 'unknown') AS weather,
    count(*) AS parcels,
    avg(transit_hours) AS mean_transit_hours,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY transit_hours) AS median_transit_hours,
    max(transit_hours) AS longest_transit_hours
FROM enriched.shipment_weather
WHERE transit_hours IS NOT NULL
GROUP BY worst_risk;

COMMENT ON VIEW metrics.transit_by_weather IS
'How long delivered parcels took, by the worst weather in the hours in which they were sent and delivered.
Only whole journeys count (transit_hours of enriched.shipments). Few parcels prove little.';
COMMENT ON COLUMN metrics.transit_by_weather.weather IS
'storm, freezing_rain, snow, heat or none (worst_risk of enriched.shipment_weather); unknown if that is
null.';
COMMENT ON COLUMN metrics.transit_by_weather.parcels IS 'Number of delivered parcels.';
COMMENT ON COLUMN metrics.transit_by_weather.mean_transit_hours IS 'Mean of their transit_hours.';
COMMENT ON COLUMN metrics.transit_by_weather.median_transit_hours IS 'Median of their transit_hours.';
COMMENT ON COLUMN metrics.transit_by_weather.longest_transit_hours IS 'The longest of their transit_hours.';
