-- How much energy did each plant lose, and why?
-- Work: linear, 800,000 buffers
SELECT plant_name, cause, round(sum(lost_kwh)::numeric, 1) AS lost_kwh, count(*) AS days
FROM metrics.solar_losses
WHERE day > (SELECT max(day) FROM metrics.solar_daily) - 30
GROUP BY plant_name, cause
ORDER BY plant_name, lost_kwh DESC;
