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
'What each plant expected and observed, hour by hour: hours that are stored, one row each. Quick for a
plant_id and a span of read_at. For hours that are missing too query metrics.solar_report.';
COMMENT ON COLUMN metrics.solar_hourly.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN metrics.solar_hourly.plant_name IS 'Its name.';
COMMENT ON COLUMN metrics.solar_hourly.read_at IS 'The beginning of the hour.';
COMMENT ON COLUMN metrics.solar_hourly.local_hour IS
'The beginning of the hour on the clocks of the plant''s zone; twice the same when they are set
back.';
COMMENT ON COLUMN metrics.solar_hourly.expected_energy_kwh IS
'Energy that the service expected, kWh (the unit is assumed).';
COMMENT ON COLUMN metrics.solar_hourly.observed_energy_kwh IS
'Energy that was observed, kWh (the unit is assumed).';
COMMENT ON COLUMN metrics.solar_hourly.expected_irradiation_wh_per_m2 IS
'Irradiation expected, Wh/m² (the unit is assumed).';
COMMENT ON COLUMN metrics.solar_hourly.observed_irradiation_wh_per_m2 IS
'Irradiation observed, Wh/m² (the unit is assumed).';
COMMENT ON COLUMN metrics.solar_hourly.performance_ratio IS
'Observed by expected energy; null where none was expected (less than 0.000001 kWh).';
