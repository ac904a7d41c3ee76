-- What did a plant expect and observe, hour by hour?
--
-- plant: 1
-- from_day: 2026-11-01 | today - 1
-- to_day: 2026-11-02 | today
-- from_hour: 10 | 0
-- to_hour: 14 | 23
SELECT period_start, expected_energy_kwh, observed_energy_kwh, expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2
FROM metrics.solar_report(%(plant)s, %(from_day)s, %(to_day)s)
WHERE extract(HOUR FROM period_start) BETWEEN %(from_hour)s AND %(to_hour)s;
