CREATE OR REPLACE VIEW metrics.solar_fleet_days AS
SELECT
    calendar.day::date AS day,
    fleet.plants::integer AS plants,
    count(whole.plant_id)::integer AS whole_plants,
    solar.rounded(sum(whole.observed_energy_kwh)) AS observed_energy_kwh,
    solar.rounded(sum(whole.expected_energy_kwh)) AS expected_energy_kwh,
    solar.ratio(sum(whole.observed_energy_kwh), sum(whole.expected_energy_kwh))
        AS performance_ratio,
    count(whole.plant_id) FILTER (WHERE whole.is_compared)::integer AS compared_plants,
    solar.rounded(sum(whole.observed_energy_kwh) FILTER (WHERE whole.is_compared))
        AS compared_energy_kwh,
    solar.rounded(sum(whole.day_before_energy_kwh)) AS day_before_energy_kwh,
    solar.rounded(
        sum(whole.observed_energy_kwh - whole.day_before_energy_kwh)
    ) AS change_kwh
FROM (
    SELECT
        count(*) AS plants,
        min((now() AT TIME ZONE plants.time_zone)::date) - 1 AS last_day
    FROM solar.plants
    WHERE plants.retired_at IS NULL
) AS fleet
CROSS JOIN LATERAL generate_series(
    fleet.last_day - interval '30 days', fleet.last_day::timestamp, interval '1 day'
) AS calendar (day)
LEFT JOIN LATERAL (
    SELECT
        days.plant_id,
        days.observed_energy_kwh,
        days.expected_energy_kwh,
        before.plant_id IS NOT NULL AS is_compared,
        before.observed_energy_kwh AS day_before_energy_kwh
    FROM solar.plants
    INNER JOIN solar.days
        ON
            plants.plant_id = days.plant_id
            AND days.day = calendar.day::date
            AND days.status = 'complete'
    LEFT JOIN solar.days AS before
        ON
            plants.plant_id = before.plant_id
            AND before.day = calendar.day::date - 1
            AND before.status = 'complete'
    WHERE plants.retired_at IS NULL
) AS whole ON TRUE
GROUP BY calendar.day, fleet.plants;

COMMENT ON VIEW metrics.solar_fleet_days IS
'Energy of all plants in service on the last 31 days, the last of which is the last day that is over at
every plant, by its own clock. Sums are of the plants with each hour of that day; a day without any has
nulls.';
COMMENT ON COLUMN metrics.solar_fleet_days.day IS 'The day, in each plant''s own time zone.';
COMMENT ON COLUMN metrics.solar_fleet_days.plants IS 'Number of plants in service now.';
COMMENT ON COLUMN metrics.solar_fleet_days.whole_plants IS
'Number of these with each hour of the day.';
COMMENT ON COLUMN metrics.solar_fleet_days.observed_energy_kwh IS
'Energy observed at whole_plants, kWh; null if there are none.';
COMMENT ON COLUMN metrics.solar_fleet_days.expected_energy_kwh IS
'Energy expected of whole_plants, kWh; null if there are none.';
COMMENT ON COLUMN metrics.solar_fleet_days.performance_ratio IS
'Observed / expected energy of whole_plants; null if none was expected.';
COMMENT ON COLUMN metrics.solar_fleet_days.compared_plants IS
'Number of plants that also have each hour of the day before by the calendar.';
COMMENT ON COLUMN metrics.solar_fleet_days.compared_energy_kwh IS
'Energy observed at compared_plants, kWh; null if there are none.';
COMMENT ON COLUMN metrics.solar_fleet_days.day_before_energy_kwh IS
'Energy observed at compared_plants on the day before, kWh; null if there are none.';
COMMENT ON COLUMN metrics.solar_fleet_days.change_kwh IS
'compared_energy_kwh less day_before_energy_kwh.';
