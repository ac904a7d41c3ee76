-- Does the weather delay parcels?
--
-- `enriched.shipment_weather` keeps the weather of the hours in which a parcel was sent and delivered. A parcel that was
-- never seen scanned was under way already when it was first seen: only the end of its journey is known.
SELECT coalesce(worst_risk, 'unknown') AS weather, count(*) AS parcels,
    round(avg(in_transit_hours)::numeric, 1) AS mean_in_transit_hours, max(in_transit_hours) AS longest
FROM enriched.shipment_weather
WHERE delivered_at IS NOT NULL AND first_scanned_at IS NOT NULL
GROUP BY worst_risk
ORDER BY mean_in_transit_hours DESC;
