-- How do carriers do on each lane?
--
-- Of the parcels that were first seen on these days, the last one exclusive (UTC). Hours are of whole journeys; a
-- parcel is on time if it was delivered on the promised day of its receiver or earlier.
--
-- from_day: 2026-10-01 | today - 90
-- to_day: 2026-12-01 | today + 1
SELECT carrier, sender_country_code, receiver_country_code, parcels, delivered, median_transit_hours,
    p90_transit_hours, on_time_ratio, overdue, exceptions
FROM metrics.carrier_lanes(CAST(%(from_day)s AS date), CAST(%(to_day)s AS date))
ORDER BY parcels DESC, carrier, sender_country_code, receiver_country_code;
