-- Work: flat, 120 buffers
SELECT period_start AS local_hour, expected_energy_kwh, observed_energy_kwh
FROM metrics.solar_report(%(plant)s, %(day)s, %(day)s + 1, 'hour')
ORDER BY period_start;
