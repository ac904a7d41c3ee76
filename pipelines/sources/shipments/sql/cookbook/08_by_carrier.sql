-- How many parcels did each carrier deliver, and how long did they take?
--
-- Files name no promised day, so whether a parcel was late cannot be known. Days are in UTC, the last one exclusive.
--
-- from_day: 2026-11-01 | today - 30
-- to_day: 2026-12-01 | today + 1
SELECT
    carrier,
    count(*) AS delivered,
    round(avg(in_transit_hours)::numeric, 1) AS mean_hours,
    round(max(in_transit_hours)::numeric, 1) AS longest_hours
FROM enriched.shipment_weather
WHERE
    delivered_at AT TIME ZONE 'UTC' >= CAST(%(from_day)s AS date)
    AND delivered_at AT TIME ZONE 'UTC' < CAST(%(to_day)s AS date)
GROUP BY carrier
ORDER BY delivered DESC, carrier;
