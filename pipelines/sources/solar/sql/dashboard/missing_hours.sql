SELECT plant_name, read_local, problem
FROM enriched.solar_missing_hours
WHERE plant_id = ANY (%(plants)s::integer[]) AND day = %(day)s
ORDER BY plant_name, read_at;
