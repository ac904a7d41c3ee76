-- Which hours have energy that cannot be?
--
-- They are stored as sent. `above_expected` may be the energy of several hours in one, `watt_hours` is probably Wh.
--
-- rows: 10
SELECT plant_name, read_at, problem, observed_energy_kwh, expected_energy_kwh, best_energy_kwh
FROM enriched.solar_impossible_hours
ORDER BY read_at DESC, plant_name
LIMIT %(rows)s;
