-- Days with such hours are found by an index, and their hours computed again.
CREATE OR REPLACE VIEW enriched.solar_impossible_hours AS
SELECT
    hours.plant_id,
    hours.plant_name,
    hours.read_at,
    hours.local_hour,
    days.day,
    hours.observed_energy_kwh,
    hours.expected_energy_kwh,
    hours.allowed_energy_kwh,
    days.best_energy_kwh,
    found.problem
FROM metrics.solar_day_losses AS days
INNER JOIN solar.plants ON days.plant_id = plants.plant_id
INNER JOIN solar.days AS sums ON days.plant_id = sums.plant_id AND days.day = sums.day
INNER JOIN enriched.solar_hour_losses AS hours
    ON
        days.plant_id = hours.plant_id
        AND hours.read_at >= solar.day_begins(days.day, plants.time_zone)
        AND hours.read_at < solar.day_begins(days.day + 1, plants.time_zone)
CROSS JOIN LATERAL (
    SELECT
        solar.impossible_energy(
            hours.observed_energy_kwh,
            days.best_energy_kwh,
            solar.ratio(sums.observed_energy_kwh, sums.expected_energy_kwh),
            hours.allowed_energy_kwh,
            hours.is_sensor_working
        ) AS problem
) AS found
WHERE days.impossible_hours > 0 AND found.problem IS NOT NULL;

COMMENT ON VIEW enriched.solar_impossible_hours IS
'Hours whose observed energy cannot be. They are stored as sent and count in all sums; the days that
have one are left out of the search for soiling. Fast if filtered by plant_id and day.';
COMMENT ON COLUMN enriched.solar_impossible_hours.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN enriched.solar_impossible_hours.read_at IS 'Start of the hour.';
COMMENT ON COLUMN enriched.solar_impossible_hours.day IS
'Day of the hour, in the plant''s time zone.';
COMMENT ON COLUMN enriched.solar_impossible_hours.best_energy_kwh IS
'Largest expected energy of a stored hour of the day, kWh.';
COMMENT ON COLUMN enriched.solar_impossible_hours.problem IS
'above_expected: more than 1.5 times best_energy_kwh, as when a logger sends the energy of some hours
in one; watt_hours: the same on a day with more than 50 times its expected energy, so the unit is
probably Wh; above_sun: more than a tenth of best_energy_kwh and three times what the sun allowed by
a working sensor.';
