-- Values may be as small as floating-point numbers get: what would underflow is guarded.
CREATE OR REPLACE VIEW enriched.solar_hour_losses AS
SELECT
    readings.plant_id,
    plants.name AS plant_name,
    readings.read_at,
    local.hour AS local_hour,
    local.hour::date AS day,
    readings.expected_energy_kwh,
    readings.observed_energy_kwh,
    sensor.works AS is_sensor_working,
    sun.wh_per_m2 AS sun_wh_per_m2,
    CASE WHEN sensor.works THEN 'sensor' WHEN sun.wh_per_m2 IS NOT NULL THEN 'weather' END
        AS sun_source,
    allowed.kwh AS allowed_energy_kwh,
    readings.expected_energy_kwh - readings.observed_energy_kwh AS loss_kwh,
    CASE split.cause WHEN 'gain' THEN split.kwh END AS gain_kwh,
    CASE WHEN split.cause = 'sky' THEN split.kwh ELSE nullif(split.sky_kwh, 0) END AS sky_kwh,
    CASE split.cause WHEN 'outage' THEN split.kwh END AS outage_kwh,
    CASE split.cause WHEN 'plant' THEN split.kwh END AS plant_kwh,
    CASE split.cause WHEN 'other' THEN split.kwh END AS other_kwh,
    CASE split.cause WHEN 'sensor' THEN split.kwh END AS sensor_kwh,
    CASE
        WHEN
            readings.expected_irradiation_wh_per_m2 < 50
            OR readings.observed_energy_kwh >= 0.6 * readings.expected_energy_kwh
            THEN NULL
        WHEN split.sky_kwh >= split.kwh THEN 'sky'
        ELSE split.cause
    END AS low_cause,
    NOT sensor.works AND NOT logger.is_dead AND readings.expected_energy_kwh > 0 AS is_scaled
FROM solar.readings
INNER JOIN solar.plants ON readings.plant_id = plants.plant_id
CROSS JOIN LATERAL (SELECT readings.read_at AT TIME ZONE plants.time_zone AS hour) AS local
LEFT JOIN weather.places ON plants.place_key = places.place_key
LEFT JOIN weather.hourly AS weather
    ON
        places.place_id = weather.place_id
        AND weather.hour_at = date_trunc('hour', readings.read_at, 'UTC') + interval '1 hour'
CROSS JOIN LATERAL (
    SELECT
        readings.observed_irradiation_wh_per_m2 = 0 AND readings.observed_energy_kwh = 0 AS is_dead
) AS logger
CROSS JOIN LATERAL (
    SELECT
        readings.observed_irradiation_wh_per_m2 > 0
        OR readings.expected_irradiation_wh_per_m2 = 0
        OR (logger.is_dead AND coalesce(weather.shortwave_radiation_w_per_m2 < 50, FALSE))
            AS works
) AS sensor
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN sensor.works THEN readings.observed_irradiation_wh_per_m2
            WHEN logger.is_dead OR weather.shortwave_radiation_w_per_m2 IS NULL THEN NULL
            ELSE (  -- looked up for the few hours that need it
                SELECT
                    days.sensor_weather_ratio
                    * CASE
                        WHEN weather.shortwave_radiation_w_per_m2 < 1e-6 THEN 0
                        ELSE weather.shortwave_radiation_w_per_m2
                    END
                FROM metrics.solar_day_losses AS days
                WHERE days.plant_id = readings.plant_id AND days.day = local.hour::date
            )
        END AS wh_per_m2
    OFFSET 0  -- else it is evaluated again for each use, as below
) AS sun
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN readings.expected_energy_kwh < 1e-100 THEN 0
            WHEN readings.expected_irradiation_wh_per_m2 = 0 OR sun.wh_per_m2 IS NULL THEN NULL
            WHEN sun.wh_per_m2 >= readings.expected_irradiation_wh_per_m2
                THEN readings.expected_energy_kwh
            WHEN sun.wh_per_m2 < 1e-100 THEN 0
            ELSE readings.expected_energy_kwh
                * (sun.wh_per_m2 / readings.expected_irradiation_wh_per_m2)
        END AS kwh
    OFFSET 0
) AS allowed
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN readings.observed_energy_kwh = readings.expected_energy_kwh THEN NULL
            WHEN readings.observed_energy_kwh > readings.expected_energy_kwh THEN 'gain'
            WHEN allowed.kwh IS NULL THEN 'sensor'
            WHEN readings.observed_energy_kwh >= allowed.kwh THEN 'sky'
            WHEN readings.observed_energy_kwh < 0.01 * allowed.kwh THEN 'outage'
            WHEN readings.observed_energy_kwh < 0.6 * allowed.kwh THEN 'plant'
            ELSE 'other'
        END AS cause
    OFFSET 0
) AS found
CROSS JOIN LATERAL (
    SELECT
        found.cause,
        CASE
            WHEN found.cause IN ('outage', 'plant', 'other')
                THEN allowed.kwh - readings.observed_energy_kwh
            ELSE readings.expected_energy_kwh - readings.observed_energy_kwh
        END AS kwh,
        CASE
            WHEN found.cause IN ('outage', 'plant', 'other')
                THEN readings.expected_energy_kwh - allowed.kwh
        END AS sky_kwh
) AS split;

COMMENT ON VIEW enriched.solar_hour_losses IS
'Expected less observed energy of each stored hour, split into one or two causes that add up to it. These are
gain_kwh, sky_kwh, outage_kwh, plant_kwh, other_kwh and sensor_kwh, each null where it is not a
cause. Allowed energy is expected energy times the share of the expected sun that shone, at most 1.
The sun is that of the sensor if it works, else that of the weather, scaled by the plant''s median
ratio of sensor to weather in clear hours. Fast if filtered by plant_id and a range of read_at.
Weather data by Open-Meteo.com (CC BY 4.0).';
COMMENT ON COLUMN enriched.solar_hour_losses.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN enriched.solar_hour_losses.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN enriched.solar_hour_losses.local_hour IS
'Start of the hour in the plant''s local time; it occurs twice when clocks are set back.';
COMMENT ON COLUMN enriched.solar_hour_losses.day IS 'Day of the hour, in the plant''s time zone.';
COMMENT ON COLUMN enriched.solar_hour_losses.is_sensor_working IS
'True if the irradiation sensor counts: it is above zero, or none was expected, or it is zero without
energy and the weather is dark (below 50 W/m²).';
COMMENT ON COLUMN enriched.solar_hour_losses.sun_wh_per_m2 IS
'Irradiation on the plane of the sensor, Wh/m²; null if it is unknown: sensor and energy are both
zero (a dead logger), or the weather or its scale is missing.';
COMMENT ON COLUMN enriched.solar_hour_losses.sun_source IS
'sensor, or weather: scaled by sensor_weather_ratio of metrics.solar_day_losses. Null if the sun is
unknown.';
COMMENT ON COLUMN enriched.solar_hour_losses.allowed_energy_kwh IS
'Expected energy times the smaller of 1 and sun / expected irradiation, kWh; null if that is unknown.';
COMMENT ON COLUMN enriched.solar_hour_losses.loss_kwh IS
'Expected less observed energy, kWh; negative if more was observed.';
COMMENT ON COLUMN enriched.solar_hour_losses.gain_kwh IS
'All of the hour if more was observed than expected, kWh; negative.';
COMMENT ON COLUMN enriched.solar_hour_losses.sky_kwh IS
'What the sun did not allow, kWh: expected less allowed energy, at most what is missing.';
COMMENT ON COLUMN enriched.solar_hour_losses.outage_kwh IS
'Allowed less observed energy, kWh, if under 1 % of what was allowed was observed.';
COMMENT ON COLUMN enriched.solar_hour_losses.plant_kwh IS
'Allowed less observed energy, kWh, if 1 % to under 60 % of what was allowed was observed.';
COMMENT ON COLUMN enriched.solar_hour_losses.other_kwh IS
'Allowed less observed energy, kWh, if 60 % or more of what was allowed was observed.';
COMMENT ON COLUMN enriched.solar_hour_losses.sensor_kwh IS
'All that is missing of the hour if the sun is unknown, kWh.';
COMMENT ON COLUMN enriched.solar_hour_losses.low_cause IS
'The larger of its causes in a low hour: under 60 % of the expected energy, where 50 Wh/m² or more
were expected. Null in other hours.';
COMMENT ON COLUMN enriched.solar_hour_losses.is_scaled IS
'True if the sun is that of the weather, or would be if it were known.';
