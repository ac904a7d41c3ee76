CREATE OR REPLACE FUNCTION metrics.transit_by_weather(
    from_day date,
    to_day date,
    OUT weather text,
    OUT parcels bigint,
    OUT mean_transit_hours double precision,
    OUT median_transit_hours double precision,
    OUT longest_transit_hours double precision
)
RETURNS SETOF record
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 6
AS $$
    SELECT
        coalesce(worst_risk, 'unknown'),
        count(*),
        avg(transit_hours),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY transit_hours),
        max(transit_hours)
    FROM enriched.shipment_weather
    WHERE
        transit_hours IS NOT NULL
        AND delivered_at >= from_day::timestamp AT TIME ZONE 'UTC'
        AND delivered_at < to_day::timestamp AT TIME ZONE 'UTC'
    GROUP BY worst_risk
$$;

COMMENT ON FUNCTION metrics.transit_by_weather(date, date) IS
'Returns how long parcels took that were delivered from from_day (UTC) up to, but not including, to_day, by
the worst weather in the hours in which they were sent and delivered: storm, freezing_rain, snow, heat or
none, as worst_risk of enriched.shipment_weather; unknown if that is null. Only whole journeys count
(transit_hours of enriched.shipments). Few parcels prove little.
Example: SELECT * FROM metrics.transit_by_weather(current_date - 90, current_date + 1);';
