-- How much energy did each plant lose, and why?
--
-- The causes add up to expected less observed energy; `gain` is negative.
--
-- from_day: 2026-10-01 | today - 30
-- to_day: 2026-11-02 | today
SELECT plant_name, cause, round(sum(loss_kwh)::numeric, 1) AS loss_kwh, count(*) AS days
FROM metrics.solar_losses
WHERE day >= CAST(%(from_day)s AS date) AND day < CAST(%(to_day)s AS date)
GROUP BY plant_name, cause
ORDER BY plant_name, loss_kwh DESC;
