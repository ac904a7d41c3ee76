-- Hours with impossible energy in the last days of plants in service, by plant, day and kind.
SELECT
    found.plant_id,
    found.plant_name,
    found.day,
    found.problem,
    count(*) AS hours,
    max(found.observed_energy_kwh) AS observed_energy_kwh,
    max(found.best_energy_kwh) AS best_energy_kwh
FROM solar.plants
CROSS JOIN LATERAL (
    SELECT days.day
    FROM solar.days
    WHERE days.plant_id = plants.plant_id AND days.hours_present > 0
    ORDER BY days.day DESC
    LIMIT 1
) AS newest
INNER JOIN enriched.solar_impossible_hours AS found
    ON plants.plant_id = found.plant_id AND found.day > newest.day - 30
WHERE plants.retired_at IS NULL
GROUP BY found.plant_id, found.plant_name, found.day, found.problem
ORDER BY found.day DESC, found.plant_id, found.problem
