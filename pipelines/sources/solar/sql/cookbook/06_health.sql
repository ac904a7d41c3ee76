-- How is each plant doing, and whose sensors are not to be trusted?
--
-- `operational_availability` is the share of the hours with sun in which the plant ran: a dead plant that goes on reporting
-- has 0, while all of its hours are stored.
--
-- from_day: 2026-10-03 | today - 30
-- to_day: 2026-11-02 | today
SELECT
    health.plant_name,
    periods.performance_ratio,
    periods.weather_adjusted_ratio,
    periods.operational_availability,
    health.sensor_issues
FROM metrics.solar_plant_health AS health
LEFT JOIN metrics.solar_periods(
    ARRAY(SELECT plant_id FROM solar.plants), CAST(%(from_day)s AS date), CAST(%(to_day)s AS date)
) AS periods
    ON health.plant_id = periods.plant_id AND periods.period_start IS NULL
ORDER BY cardinality(health.sensor_issues) DESC, periods.weather_adjusted_ratio;
