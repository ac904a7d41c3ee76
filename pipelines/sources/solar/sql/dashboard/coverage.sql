SELECT plant_name, day, status, hours_present, hours_expected, problem
FROM metrics.solar_coverage
WHERE plant_id = ANY (%(plants)s::integer[]) AND day >= %(from_date)s AND day < %(to_date)s
ORDER BY plant_name, day;
