CREATE OR REPLACE VIEW metrics.solar_hourly AS
SELECT
    readings.plant_id,
    plants.name AS plant_name,
    readings.read_at,
    readings.read_at AT TIME ZONE plants.time_zone AS local_hour,
    readings.expected_energy_kwh,
    readings.observed_energy_kwh,
    readings.expected_irradiation_wh_per_m2,
    readings.observed_irradiation_wh_per_m2,
    solar.ratio(readings.observed_energy_kwh, readings.expected_energy_kwh) AS performance_ratio
FROM solar.readings
LEFT JOIN solar.plants ON readings.plant_id = plants.plant_id;

COMMENT ON VIEW metrics.solar_hourly IS
'Expected and observed energy and irradiation of each plant by hour: one row for each stored
hour. Fast if filtered by plant_id and a range of read_at. To include missing hours, query
metrics.solar_report.';
COMMENT ON COLUMN metrics.solar_hourly.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN metrics.solar_hourly.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN metrics.solar_hourly.local_hour IS
'Start of the hour in the plant''s local time; it occurs twice when clocks are set back.';
COMMENT ON COLUMN metrics.solar_hourly.performance_ratio IS
'Observed / expected energy; null if none was expected (less than 0.000001 kWh).';
