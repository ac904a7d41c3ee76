-- How well did each plant do, by the measures of the field?
--
-- Compare plants by `iec_performance_ratio` and `specific_yield_kwh_per_kwp`, which need their capacity (`isobar plants
-- set-capacity`); judge a plant by `weather_adjusted_ratio` and `operational_availability`.
--
-- from_day: 2026-10-01 | month - 1
-- to_day: 2026-11-01 | month
SELECT plant_name, weather_adjusted_ratio, operational_availability, iec_performance_ratio,
    specific_yield_kwh_per_kwp, data_completeness
FROM metrics.solar_periods(ARRAY(SELECT plant_id FROM solar.plants), %(from_day)s, %(to_day)s, 'month')
WHERE plant_id IS NOT NULL AND period_start IS NULL
ORDER BY plant_name;
