SELECT name, period_start, expected_energy_kwh, observed_energy_kwh, performance_ratio, hours_present, hours_expected
FROM solar.plants
CROSS JOIN LATERAL metrics.solar_report(plant_id, %(from_date)s, %(to_date)s, %(period)s)
WHERE plant_id = ANY (%(plants)s::integer[])
ORDER BY name, period_start;
