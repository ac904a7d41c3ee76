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
        AS energy_per_irradiation_kwh_per_kwh_per_m2,
    CASE WHEN days.hours_present > 0 THEN solar.rounded(kept.allowed_energy_kwh) END
        AS allowed_energy_kwh,
    solar.ratio(kept.adjusted_energy_kwh, kept.allowed_energy_kwh) AS weather_adjusted_ratio,
    solar.ratio(kept.used_hours, kept.usable_hours) AS operational_availability,
    solar.ratio(
        1000 * kept.sensor_energy_kwh, plants.capacity_kwp * kept.sensor_irradiation_wh_per_m2
    ) AS iec_performance_ratio,
    solar.ratio(days.observed_energy_kwh, plants.capacity_kwp) AS specific_yield_kwh_per_kwp,
    solar.ratio(days.hours_present, days.hours_expected) AS data_completeness,
    solar.rounded(kept.not_delivered_kwh) AS not_delivered_kwh,
    round(days.observed_energy_kwh::numeric * plants.tariff_per_kwh, 6) AS observed_amount,
    plants.tariff_currency
FROM solar.days
LEFT JOIN solar.plants ON days.plant_id = plants.plant_id
LEFT JOIN metrics.solar_day_losses AS kept
    ON days.plant_id = kept.plant_id AND days.day = kept.day;

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
COMMENT ON COLUMN metrics.solar_daily.availability IS
'hours_present / hours_expected, 0 to 1: how complete the data are, by an old name. Use
data_completeness, which is the same, or operational_availability for whether the plant ran.';
COMMENT ON COLUMN metrics.solar_daily.performance_ratio IS
'Observed / expected energy; null if none was expected (less than 0.000001 kWh). It is not IEC''s and
has the weather in it: use weather_adjusted_ratio to judge a plant, iec_performance_ratio to compare
plants.';
COMMENT ON COLUMN metrics.solar_daily.irradiation_ratio IS
'Observed / expected irradiation; null if none was expected (less than 0.000001 Wh/m²).';
COMMENT ON COLUMN metrics.solar_daily.energy_per_irradiation_kwh_per_kwh_per_m2 IS
'Observed energy / observed irradiation: kWh for each kWh/m²; null if there was no irradiation (less
than 0.000001 Wh/m²).';
COMMENT ON COLUMN metrics.solar_daily.allowed_energy_kwh IS
'Energy that the sun allowed (enriched.solar_hour_losses), kWh: sum of the hours of which that is
known, rounded to 3 decimals; null if no hours are stored.';
COMMENT ON COLUMN metrics.solar_daily.weather_adjusted_ratio IS
'Observed / allowed energy of the hours whose allowed energy is known, an energy performance index as
in IEC TS 61724-3; null if none was allowed.';
COMMENT ON COLUMN metrics.solar_daily.operational_availability IS
'Of the stored hours in which the sun allowed more than 1 % of the expected energy of the day''s best
hour, the share with more than 1 % of what it allowed (after IEC TS 63019); null if there is none. A
dead plant with telemetry has 0.';
COMMENT ON COLUMN metrics.solar_daily.iec_performance_ratio IS
'Final yield / reference yield (IEC 61724-1), (kWh / kWp) / (kWh/m² / 1 kW/m²), of the hours whose
irradiation sensor works. The sensor is assumed to be in the plane of array. Null without a capacity.';
COMMENT ON COLUMN metrics.solar_daily.specific_yield_kwh_per_kwp IS
'Observed energy / installed capacity, kWh/kWp; null without a capacity or readings.';
COMMENT ON COLUMN metrics.solar_daily.data_completeness IS
'Stored / calendar hours, 0 to 1.';
COMMENT ON COLUMN metrics.solar_daily.not_delivered_kwh IS
'Estimate of the energy of the hours that are not stored, kWh: of each, the median of the same hour of
the clock in the 14 days before. It is in no other sum. Null if nothing is known of them, 0 if none
is missing.';
COMMENT ON COLUMN metrics.solar_daily.observed_amount IS
'Observed energy times the plant''s tariff, in tariff_currency; null without a tariff.';
COMMENT ON COLUMN metrics.solar_daily.tariff_currency IS
'ISO 4217 code of the plant''s tariff; null without a tariff.';
