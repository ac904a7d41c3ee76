-- What did a plant make, month by month?
--
-- If the range contains only a part of a month, the row covers those days. Use `'year'` for years.
--
-- plant: 1
-- from_day: 2026-08-01 | month - 3
-- to_day: 2026-11-01 | month
SELECT period_start::date AS month, observed_energy_kwh,
    performance_ratio, hours_present, hours_expected
FROM metrics.solar_report(%(plant)s, %(from_day)s, %(to_day)s, 'month');
