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
'What each plant expected and observed, day by day: a row for each day that was requested, also
where nothing came. Days not requested yet are in solar.coverage. For months and years, and for
every day of a range, query metrics.solar_report.';
COMMENT ON COLUMN metrics.solar_daily.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN metrics.solar_daily.plant_name IS 'Its name.';
COMMENT ON COLUMN metrics.solar_daily.day IS 'The day, in the plant''s zone.';
COMMENT ON COLUMN metrics.solar_daily.expected_energy_kwh IS
'Energy that the service expected, kWh (the unit is assumed), rounded to 3 decimals, sum of the
hours that are stored; null without any.';
COMMENT ON COLUMN metrics.solar_daily.observed_energy_kwh IS
'Energy that was observed, kWh (the unit is assumed), rounded to 3 decimals, sum of the hours that
are stored; null without any.';
COMMENT ON COLUMN metrics.solar_daily.expected_irradiation_wh_per_m2 IS
'Irradiation expected, Wh/m² (the unit is assumed), rounded to 3 decimals, sum of the hours that are
stored; null without any.';
COMMENT ON COLUMN metrics.solar_daily.observed_irradiation_wh_per_m2 IS
'Irradiation observed, Wh/m² (the unit is assumed), rounded to 3 decimals, sum of the hours that are
stored; null without any.';
COMMENT ON COLUMN metrics.solar_daily.hours_present IS 'Hours that are stored.';
COMMENT ON COLUMN metrics.solar_daily.hours_expected IS
'Hours of the day: 24, or 23 and 25 when clocks change.';
COMMENT ON COLUMN metrics.solar_daily.hours_missing IS 'Hours that are not stored.';
COMMENT ON COLUMN metrics.solar_daily.availability IS 'Stored hours by hours of the day, 0 to 1.';
COMMENT ON COLUMN metrics.solar_daily.performance_ratio IS
'Observed by expected energy; null where none was expected (less than 0.000001 kWh).';
COMMENT ON COLUMN metrics.solar_daily.irradiation_ratio IS
'Observed by expected irradiation; null where none was expected (less than 0.000001 Wh/m²).';
COMMENT ON COLUMN metrics.solar_daily.energy_per_irradiation_kwh_per_kwh_per_m2 IS
'Observed energy by observed irradiation: kWh for each kWh/m²; null where there was no irradiation
(less than 0.000001 Wh/m²).';
