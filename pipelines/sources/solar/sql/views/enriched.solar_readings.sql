CREATE OR REPLACE VIEW enriched.solar_readings AS
SELECT
    readings.plant_id,
    plants.name AS plant_name,
    readings.read_at,
    readings.read_at AT TIME ZONE plants.time_zone AS local_hour,
    readings.expected_energy_kwh,
    readings.observed_energy_kwh,
    readings.expected_irradiation_wh_per_m2,
    readings.observed_irradiation_wh_per_m2,
    solar.ratio(readings.observed_energy_kwh, readings.expected_energy_kwh) AS performance_ratio,
    solar.ratio(readings.observed_irradiation_wh_per_m2, readings.expected_irradiation_wh_per_m2)
        AS irradiation_ratio,
    weather_then.temperature_celsius,
    weather_then.cloud_cover_pct,
    weather_after.shortwave_radiation_w_per_m2,
    solar.ratio(
        readings.observed_irradiation_wh_per_m2, weather_after.shortwave_radiation_w_per_m2
    ) AS weather_irradiation_ratio,
    CASE
        WHEN readings.expected_irradiation_wh_per_m2 < 50 THEN NULL
        WHEN
            readings.observed_irradiation_wh_per_m2 >= 0.8 * readings.expected_irradiation_wh_per_m2
            AND readings.observed_energy_kwh < 0.6 * readings.expected_energy_kwh
            THEN 'plant'
        WHEN
            readings.observed_irradiation_wh_per_m2 >= 0.6 * readings.expected_irradiation_wh_per_m2
            THEN NULL
        -- Panels yield nothing in the dark, however cloudy it is: the sensor is dead.
        WHEN readings.observed_irradiation_wh_per_m2 = 0 AND readings.observed_energy_kwh > 0
            THEN 'sensor'
        WHEN
            weather_after.shortwave_radiation_w_per_m2
            < 0.6 * readings.expected_irradiation_wh_per_m2
            THEN 'sky'
        WHEN
            weather_after.shortwave_radiation_w_per_m2
            >= 0.8 * readings.expected_irradiation_wh_per_m2
            THEN 'sensor'
    END AS low_yield_cause,
    CASE
        WHEN weather_after.weather_source IS NOT NULL THEN weather_after.weather_source
        WHEN plants.latitude IS NULL THEN 'none: the plant has no coordinates'
        WHEN places.place_id IS NULL AND plants.retired_at IS NOT NULL
            THEN 'none: the plant is retired'
        ELSE 'none yet: not received'
    END AS weather_source
FROM solar.readings
LEFT JOIN solar.plants ON readings.plant_id = plants.plant_id
LEFT JOIN weather.places ON plants.place_key = places.place_key
LEFT JOIN weather.hourly AS weather_then
    ON
        places.place_id = weather_then.place_id
        AND weather_then.hour_at = date_trunc('hour', readings.read_at, 'UTC')
LEFT JOIN weather.hourly AS weather_after
    ON
        places.place_id = weather_after.place_id
        AND weather_after.hour_at
        = date_trunc('hour', readings.read_at, 'UTC') + interval '1 hour';

COMMENT ON VIEW enriched.solar_readings IS
'Every reading with the weather at the plant in that hour, and the likely cause if its irradiation or
its energy is low. Fast if filtered by plant_id and a range of read_at. If the hours of the plant''s
time zone do not start with UTC hours, the weather is that of the UTC hour in which they start.
Weather data by Open-Meteo.com (CC BY 4.0).';
COMMENT ON COLUMN enriched.solar_readings.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN enriched.solar_readings.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN enriched.solar_readings.local_hour IS
'Start of the hour in the plant''s local time; it occurs twice when clocks are set back.';
COMMENT ON COLUMN enriched.solar_readings.performance_ratio IS
'Observed / expected energy; null if none was expected (less than 0.000001 kWh).';
COMMENT ON COLUMN enriched.solar_readings.irradiation_ratio IS
'Observed / expected irradiation; null if none was expected (less than 0.000001 Wh/m²).';
COMMENT ON COLUMN enriched.solar_readings.temperature_celsius IS
'Air temperature at the plant at the start of the hour, °C.';
COMMENT ON COLUMN enriched.solar_readings.cloud_cover_pct IS
'Cloud cover at the plant at the start of the hour, %.';
COMMENT ON COLUMN enriched.solar_readings.shortwave_radiation_w_per_m2 IS
'Solar radiation on a horizontal surface at the plant, from the weather model: mean of the hour,
W/m², which over one hour equals Wh/m². weather.hourly stores the mean at the end of its hour, so
the value comes from the row one hour later.';
COMMENT ON COLUMN enriched.solar_readings.weather_irradiation_ratio IS
'Observed irradiation / irradiation of the weather model; null if the latter is unknown or zero
(less than 0.000001 W/m²).';
COMMENT ON COLUMN enriched.solar_readings.low_yield_cause IS
'Likely cause of low values in an hour, by a rule of thumb, if 50 Wh/m² or more were expected.
sensor: the observed irradiation is 0 although energy was observed, or it is under 60 % of the
expected irradiation while that of the weather model is 80 % or more (the energy need not be
low); sky: both are under 60 % of the
expected irradiation; plant: the observed irradiation is 80 % or more of the expected, but the
observed energy is under 60 % of the expected energy. Null if nothing is low or the cause is
unknown: there is no weather, or the values are between these limits. It compares with what was expected
and not with what the sun allowed: use enriched.solar_hour_losses, whose causes add up.';
COMMENT ON COLUMN enriched.solar_readings.weather_source IS
'forecast (the forecast API, for recent hours), archive (older hours), or the reason why there is no
weather.';
