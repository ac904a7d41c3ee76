-- Which plants are probably dirty, and since when?
--
-- rows: 10
SELECT plant_name, day, since_day, usable_days, decline_per_day_pct
FROM metrics.solar_soiling
ORDER BY day DESC, plant_name
LIMIT %(rows)s;
