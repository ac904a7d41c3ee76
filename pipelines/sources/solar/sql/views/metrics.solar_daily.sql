CREATE OR REPLACE VIEW metrics.solar_daily AS
SELECT
    days.plant_id,
    plants.name AS plant_name,
    days.day,
    solar.rounded(days.expected_energy_kwh) AS expected_energy_kwh,
    solar.rounded(days.observed_energy_kwh) AS observed_energy_kwh,
    solar.rounded(days.expected_irradiation_wh_per_m2) AS expected_irradiation_wh_per_m2,
    solar.rounded(days.observed_irradiation_wh_per_m2) AS observed_irradiation_wh_per_m2,
    days.hours_present::integer AS hours_present,
    days.hours_expected::integer AS hours_expected,
    (days.hours_expected - days.hours_present)::integer AS hours_missing,
    solar.ratio(days.hours_present, days.hours_expected) AS availability,
    solar.ratio(days.observed_energy_kwh, days.expected_energy_kwh) AS performance_ratio,
    solar.ratio(days.observed_irradiation_wh_per_m2, days.expected_irradiation_wh_per_m2)
        AS irradiation_ratio,
    solar.ratio(1000 * days.observed_energy_kwh, days.observed_irradiation_wh_per_m2)
        AS energy_per_irradiation_kwh_per_kwh_per_m2
FROM solar.days
LEFT JOIN solar.plants ON days.plant_id = plants.plant_id;

COMMENT ON VIEW metrics.solar_daily IS
'Expected and observed energy and irradiation of each plant by day: one row for each requested day,
even if no data was received. Days not requested yet are in solar.coverage. For months and years, or
for every day of a range, query metrics.solar_report.';
COMMENT ON COLUMN metrics.solar_daily.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN metrics.solar_daily.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN metrics.solar_daily.day IS 'The day, in the plant''s time zone.';
COMMENT ON COLUMN metrics.solar_daily.expected_energy_kwh IS
'Energy expected by the service, kWh (the unit is assumed): sum of the stored hours, rounded to 3
decimals; null if no hours are stored.';
COMMENT ON COLUMN metrics.solar_daily.observed_energy_kwh IS
'Energy observed, kWh (the unit is assumed): sum of the stored hours, rounded to 3 decimals; null if
no hours are stored.';
COMMENT ON COLUMN metrics.solar_daily.expected_irradiation_wh_per_m2 IS
'Irradiation expected by the service, Wh/m² (the unit is assumed): sum of the stored hours, rounded
to 3 decimals; null if no hours are stored.';
COMMENT ON COLUMN metrics.solar_daily.observed_irradiation_wh_per_m2 IS
'Irradiation observed, Wh/m² (the unit is assumed): sum of the stored hours, rounded to 3 decimals;
null if no hours are stored.';
COMMENT ON COLUMN metrics.solar_daily.hours_present IS 'Number of stored hours.';
COMMENT ON COLUMN metrics.solar_daily.hours_expected IS
'Hours of the day: 24, or 23 or 25 when clocks change.';
COMMENT ON COLUMN metrics.solar_daily.hours_missing IS 'Number of hours that are not stored.';
COMMENT ON COLUMN metrics.solar_daily.availability IS 'hours_present / hours_expected, 0 to 1.';
COMMENT ON COLUMN metrics.solar_daily.performance_ratio IS
'Observed / expected energy; null if none was expected (less than 0.000001 kWh).';
COMMENT ON COLUMN metrics.solar_daily.irradiation_ratio IS
'Observed / expected irradiation; null if none was expected (less than 0.000001 Wh/m²).';
COMMENT ON COLUMN metrics.solar_daily.energy_per_irradiation_kwh_per_kwh_per_m2 IS
'Observed energy / observed irradiation: kWh for each kWh/m²; null if there was no irradiation (less
than 0.000001 Wh/m²).';
