-- The plant that produced least of what was expected on the last day, a tenth or more below.
SELECT
    plant_name AS link_plant,
    day AS link_day,
    plant_name AS plant,
    day,
    expected_energy_kwh - observed_energy_kwh AS lost_kwh,
    1 - performance_ratio AS share
FROM metrics.solar_daily
WHERE
    day = (SELECT max(day) FROM metrics.solar_daily WHERE day < current_date AND day >= current_date - 3 AND hours_present > 0)
    AND performance_ratio < 0.9
    AND expected_energy_kwh > 0
ORDER BY expected_energy_kwh - observed_energy_kwh DESC
LIMIT 1;
