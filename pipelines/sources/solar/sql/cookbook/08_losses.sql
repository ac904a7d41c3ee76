-- How much energy did each plant lose in the last days, and why?
--
-- days: 30
SELECT plant_name, cause, round(sum(lost_kwh)::numeric, 1) AS lost_kwh, count(*) AS days
FROM metrics.solar_losses
WHERE day > (SELECT max(day) FROM metrics.solar_daily) - %(days)s
GROUP BY plant_name, cause
ORDER BY plant_name, lost_kwh DESC;
