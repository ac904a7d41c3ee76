-- What made hours of a plant low: the sky, a sensor or the plant?
--
-- The comment on the column describes the rule of thumb. A single hour may be chance; if many hours have the cause
-- `sensor`, inspect the sensor: its values are low, and the energy may be as expected. Without `plant_id` the statement
-- reads all readings.
--
-- plant: 1
-- since: 2026-10-01 00:00+02 | today - 31
-- until: 2026-11-01 00:00+01 | today
SELECT plant_name, low_yield_cause, count(*) AS hours
FROM enriched.solar_readings
WHERE plant_id = %(plant)s AND low_yield_cause IS NOT NULL
    AND read_at >= CAST(%(since)s AS timestamptz) AND read_at < CAST(%(until)s AS timestamptz)
GROUP BY plant_name, low_yield_cause
ORDER BY hours DESC, low_yield_cause;
