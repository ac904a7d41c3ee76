-- What made hours of a plant low: the sky, a sensor or the plant?
--
-- An hour is low if it has under 60 % of the expected energy, where 50 Wh/m² or more were expected; it counts for its
-- larger cause. A single hour may be chance; if many hours have the cause `sensor`, inspect the sensor.
--
-- plant: 1
-- from_day: 2026-10-01 | today - 31
-- to_day: 2026-11-01 | today
SELECT plant_name, cause, sum(low_hours) AS low_hours
FROM metrics.solar_losses
WHERE plant_id = %(plant)s AND low_hours > 0
    AND day >= CAST(%(from_day)s AS date) AND day < CAST(%(to_day)s AS date)
GROUP BY plant_name, cause
ORDER BY low_hours DESC, cause;
