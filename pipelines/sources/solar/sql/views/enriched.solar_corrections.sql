CREATE OR REPLACE VIEW enriched.solar_corrections AS
SELECT
    corrections.plant_id,
    plants.name AS plant_name,
    corrections.read_at,
    corrections.observed_energy_kwh AS former_energy_kwh,
    readings.observed_energy_kwh AS present_energy_kwh,
    corrections.corrected_at
FROM solar.corrections
INNER JOIN solar.plants ON corrections.plant_id = plants.plant_id
INNER JOIN solar.readings
    ON corrections.plant_id = readings.plant_id AND corrections.read_at = readings.read_at;

COMMENT ON VIEW enriched.solar_corrections IS
'Readings that the service corrected, with the observed energy before each correction and now.
solar.corrections has all four values.';
COMMENT ON COLUMN enriched.solar_corrections.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN enriched.solar_corrections.former_energy_kwh IS
'Energy observed, kWh, before the correction.';
COMMENT ON COLUMN enriched.solar_corrections.present_energy_kwh IS 'Energy observed, kWh, now.';
