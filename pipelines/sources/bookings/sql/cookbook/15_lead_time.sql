-- How long before the stay do people book, and how much of it is cancelled?
--
-- from_night: 2026-11-01 | today - 30
-- to_night: 2026-12-01 | today
SELECT
    hotel_id,
    count(*) AS nights,
    round(avg(lead_time_days), 1) AS mean_lead_time_days,
    round(avg((state = 'cancelled')::integer), 2) AS cancelled_share
FROM enriched.reservation_nights
WHERE night_of_stay >= CAST(%(from_night)s AS date) AND night_of_stay < CAST(%(to_night)s AS date)
GROUP BY hotel_id
ORDER BY hotel_id;
