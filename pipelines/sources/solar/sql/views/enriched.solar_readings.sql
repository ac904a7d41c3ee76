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
        WHEN readings.expected_irradiation_wh_per_m2 >= 50 THEN CASE
            WHEN
                readings.observed_irradiation_wh_per_m2
                < 0.6 * readings.expected_irradiation_wh_per_m2
                THEN CASE
                    -- Panels yield nothing in the dark, however cloudy it is: the sensor is dead.
                    WHEN
                        readings.observed_irradiation_wh_per_m2 = 0
                        AND readings.observed_energy_kwh > 0
                        THEN 'sensor'
                    WHEN
                        weather_after.shortwave_radiation_w_per_m2
                        < 0.6 * readings.expected_irradiation_wh_per_m2
                        THEN 'sky'
                    WHEN
                        weather_after.shortwave_radiation_w_per_m2
                        >= 0.8 * readings.expected_irradiation_wh_per_m2
                        THEN 'sensor'
                END
            WHEN
                readings.observed_irradiation_wh_per_m2
                >= 0.8 * readings.expected_irradiation_wh_per_m2
                AND readings.observed_energy_kwh < 0.6 * readings.expected_energy_kwh
                THEN 'plant'
        END
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
'Every reading with the weather at the plant then, and what may have made it low. Quick for a
plant_id and a span of read_at. Where the plant''s hours do not begin with those of UTC, the weather
is that of the hour of UTC in which they begin. Weather data by Open-Meteo.com (CC BY 4.0).';
COMMENT ON COLUMN enriched.solar_readings.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN enriched.solar_readings.plant_name IS 'Its name.';
COMMENT ON COLUMN enriched.solar_readings.read_at IS 'The beginning of the hour.';
COMMENT ON COLUMN enriched.solar_readings.local_hour IS
'The beginning of the hour on the clocks of the plant''s zone; twice the same when they are set
back.';
COMMENT ON COLUMN enriched.solar_readings.expected_energy_kwh IS
'Energy that the service expected, kWh (the unit is assumed).';
COMMENT ON COLUMN enriched.solar_readings.observed_energy_kwh IS
'Energy that was observed, kWh (the unit is assumed).';
COMMENT ON COLUMN enriched.solar_readings.expected_irradiation_wh_per_m2 IS
'Irradiation expected, Wh/m² (the unit is assumed).';
COMMENT ON COLUMN enriched.solar_readings.observed_irradiation_wh_per_m2 IS
'Irradiation observed, Wh/m² (the unit is assumed).';
COMMENT ON COLUMN enriched.solar_readings.performance_ratio IS
'Observed by expected energy; null where none was expected (less than 0.000001 kWh).';
COMMENT ON COLUMN enriched.solar_readings.irradiation_ratio IS
'Observed by expected irradiation; null where none was expected (less than 0.000001 Wh/m²).';
COMMENT ON COLUMN enriched.solar_readings.temperature_celsius IS
'Air temperature at the plant as the hour began, °C.';
COMMENT ON COLUMN enriched.solar_readings.cloud_cover_pct IS
'Sky covered at the plant as the hour began, %.';
COMMENT ON COLUMN enriched.solar_readings.shortwave_radiation_w_per_m2 IS
'Sunlight on level ground at the plant by the weather''s model, mean of the hour, W/m²: over an hour
as many Wh/m². In weather.hourly it stands at the end of its hour, so it is taken from an hour
later.';
COMMENT ON COLUMN enriched.solar_readings.weather_irradiation_ratio IS
'Observed irradiation by that of the weather''s model; null where that is not known or none (less
than 0.000001 W/m²).';
COMMENT ON COLUMN enriched.solar_readings.low_yield_cause IS
'Why the hour is low, by a rule of thumb, where 50 Wh/m² or more were expected. sensor: the observed
irradiation is 0 although there is energy, or under 60 % of what was expected while that of the
weather''s model is 80 % or more; sky: both are under 60 %; plant: observed irradiation is 80 % or
more of what was expected, energy under 60 %. Null where nothing is low or the cause is unknown:
without weather, or between those. The model is of level ground: for panels that are tilted, look at
many hours rather than at one.';
COMMENT ON COLUMN enriched.solar_readings.weather_source IS
'forecast (the forecast API, for recent hours), archive (older ones), or why there is no weather.';
