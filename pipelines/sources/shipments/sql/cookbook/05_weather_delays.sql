-- Does the weather delay parcels?
--
-- By the worst weather in the hours in which a parcel was sent and delivered. Only whole journeys count: a parcel that
-- was first seen delivered has none. Days are those of the delivery (UTC), the last one exclusive.
--
-- from_day: 2026-10-01 | today - 90
-- to_day: 2026-12-01 | today + 1
SELECT weather, parcels, mean_transit_hours, median_transit_hours, longest_transit_hours
FROM metrics.transit_by_weather(CAST(%(from_day)s AS date), CAST(%(to_day)s AS date))
ORDER BY mean_transit_hours DESC;
