-- Does the weather delay parcels?
--
-- By the worst weather in the hours in which a parcel was sent and delivered. Only whole journeys count: a parcel that
-- was first seen delivered has none.
SELECT weather, parcels, mean_transit_hours, median_transit_hours, longest_transit_hours
FROM metrics.transit_by_weather
ORDER BY mean_transit_hours DESC;
