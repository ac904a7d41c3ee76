-- Which readings were corrected?
--
-- The statement returns the former and the present value.
--
-- rows: 10
SELECT plant_id, read_at, former_energy_kwh, present_energy_kwh, corrected_at
FROM enriched.solar_corrections
ORDER BY corrected_at DESC, plant_id, read_at
LIMIT %(rows)s;
