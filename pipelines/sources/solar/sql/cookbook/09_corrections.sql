-- Where did the service change its word?
--
-- The statement returns the former and the present value.
--
-- rows: 10
SELECT
    corrections.plant_id,
    corrections.read_at,
    corrections.observed_energy_kwh AS before_kwh,
    readings.observed_energy_kwh AS now_kwh,
    corrections.corrected_at
FROM solar.corrections
INNER JOIN solar.readings USING (plant_id, read_at)
ORDER BY corrections.corrected_at DESC, corrections.plant_id, corrections.read_at
LIMIT %(rows)s;
