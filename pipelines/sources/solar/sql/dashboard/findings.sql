-- What was found in the range: the newest day of soiling of each plant, and hours with energy that cannot be.
(
    SELECT DISTINCT ON (plant_id)
        plant_name,
        'soiling' AS finding,
        day,
        NULL::timestamp AS local_hour,
        decline_per_day_pct,
        NULL::double precision AS observed_energy_kwh,
        NULL::double precision AS best_energy_kwh
    FROM metrics.solar_soiling
    WHERE
        plant_id = ANY (%(plants)s::integer[])
        AND day >= %(from_date)s
        AND day < %(to_date)s
    ORDER BY plant_id, day DESC
)
UNION ALL
SELECT plant_name, problem, day, local_hour, NULL, observed_energy_kwh, best_energy_kwh
FROM enriched.solar_impossible_hours
WHERE
    plant_id = ANY (%(plants)s::integer[])
    AND day >= %(from_date)s
    AND day < %(to_date)s
ORDER BY day DESC, plant_name, local_hour
LIMIT 200;
