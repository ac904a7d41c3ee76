CREATE OR REPLACE FUNCTION solar.impossible_energy(
    observed_kwh double precision,
    best_kwh double precision,
    day_ratio double precision,
    allowed_kwh double precision,
    is_sensor_working boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN NOT best_kwh > 1e-100 THEN NULL
    WHEN observed_kwh > 1.5 * best_kwh
        THEN CASE WHEN day_ratio > 50 THEN 'watt_hours' ELSE 'above_expected' END
    WHEN is_sensor_working AND observed_kwh > 0.1 * best_kwh AND observed_kwh > 3 * allowed_kwh
        THEN 'above_sun'
END;

COMMENT ON FUNCTION solar.impossible_energy(
    double precision, double precision, double precision, double precision, boolean
) IS
'Returns why the energy of an hour cannot be, null if it can: above_expected, more than 1.5 times the
largest expected energy of an hour of the day; watt_hours, the same on a day with more than 50 times
its expected energy, so the unit is probably Wh; above_sun, more than a tenth of that largest energy
and more than three times what the sun allowed by a working sensor.';
