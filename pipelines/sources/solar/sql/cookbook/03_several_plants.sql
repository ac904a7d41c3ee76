-- What did several plants make, day by day?
--
-- For the next page, replace 0 and 2000 by the plant and period of the last row. `metrics.solar_daily` has more ratios,
-- and can be ordered by them.
--
-- from_day: 2026-10-25 | today - 4
-- to_day: 2026-10-29 | today
-- plant: 1
-- plant_2: 2
-- rows: 8
SELECT plant_id, name, period_start::date AS day, expected_energy_kwh, observed_energy_kwh,
    performance_ratio, hours_present, hours_expected
FROM solar.plants
CROSS JOIN LATERAL metrics.solar_report(plant_id, %(from_day)s, %(to_day)s, 'day')
WHERE plant_id IN (%(plant)s, %(plant_2)s) AND (plant_id, period_start) > (0, '2000-01-01')
ORDER BY plant_id, period_start
LIMIT %(rows)s;
