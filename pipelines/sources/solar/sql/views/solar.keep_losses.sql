-- A day takes from other days only what is before it. So days that follow a changed one are computed
-- again only if they need its clear hours (of 30 days) or its hours of the clock (of 14 days).
CREATE OR REPLACE FUNCTION solar.keep_losses(of_plant integer, changed_days date [])
RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    plant solar.plants;
    place bigint;
    affected date [];
BEGIN
    SELECT * INTO plant FROM solar.plants WHERE plant_id = of_plant;
    SELECT place_id INTO place FROM weather.places WHERE place_key = plant.place_key;
    affected := ARRAY(
        SELECT days.day
        FROM solar.days
        WHERE days.plant_id = of_plant AND days.day = ANY(changed_days)
        UNION
        SELECT after.day
        FROM solar.days AS after
        LEFT JOIN metrics.solar_day_losses AS kept USING (plant_id, day)
        CROSS JOIN (
            SELECT min(changed.day) AS first, max(changed.day) AS last
            FROM unnest(changed_days) AS changed (day)
        ) AS span
        WHERE
            after.plant_id = of_plant
            AND after.day > span.first
            AND after.day < span.last + 30
            AND (kept.scaled_hours > 0 OR after.hours_present < after.hours_expected)
            AND EXISTS (
                SELECT FROM unnest(changed_days) AS changed (day)
                WHERE
                    after.day > changed.day
                    AND after.day
                    < changed.day + CASE WHEN kept.scaled_hours > 0 THEN 30 ELSE 15 END
            )
    );
    -- First the scale of days with a sensor that does not work, by which their hours are then split.
    UPDATE metrics.solar_day_losses
    SET sensor_weather_ratio = NULL
    WHERE plant_id = of_plant AND day = ANY(affected) AND sensor_weather_ratio IS NOT NULL;
    IF place IS NOT NULL THEN
        INSERT INTO metrics.solar_day_losses (plant_id, day, sensor_weather_ratio)
        WITH needed AS MATERIALIZED (
            SELECT DISTINCT local.day
            FROM solar.readings
            CROSS JOIN LATERAL (
                SELECT (readings.read_at AT TIME ZONE plant.time_zone)::date AS day
            ) AS local
            WHERE
                readings.plant_id = of_plant
                AND readings.read_at
                >= solar.day_begins((SELECT min(day) FROM unnest(affected) AS day), plant.time_zone)
                AND readings.read_at < solar.day_begins(
                    (SELECT max(day) + 1 FROM unnest(affected) AS day), plant.time_zone
                )
                AND readings.observed_irradiation_wh_per_m2 <= 0
                AND readings.observed_energy_kwh > 0
                AND readings.expected_irradiation_wh_per_m2 > 0
                AND readings.expected_energy_kwh > 0
                AND local.day = ANY(affected)
        ), clear AS MATERIALIZED (
            SELECT
                (readings.read_at AT TIME ZONE plant.time_zone)::date AS day,
                readings.observed_irradiation_wh_per_m2 / weather.shortwave_radiation_w_per_m2
                    AS ratio
            FROM solar.readings
            INNER JOIN weather.hourly AS weather
                ON
                    weather.place_id = place
                    AND weather.hour_at
                    = date_trunc('hour', readings.read_at, 'UTC') + interval '1 hour'
            WHERE
                readings.plant_id = of_plant
                AND readings.read_at
                >= solar.day_begins((SELECT min(day) - 29 FROM needed), plant.time_zone)
                AND readings.read_at
                < solar.day_begins((SELECT max(day) + 1 FROM needed), plant.time_zone)
                AND readings.observed_irradiation_wh_per_m2 > 1e-6
                AND weather.shortwave_radiation_w_per_m2 >= 200
        )

        SELECT
            of_plant,
            needed.day,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY clear.ratio)
        FROM clear
        CROSS JOIN generate_series(0, 29) AS after (number)
        INNER JOIN needed ON clear.day + after.number = needed.day
        GROUP BY needed.day
        HAVING count(*) >= 10
        ON CONFLICT (plant_id, day) DO UPDATE
        SET sensor_weather_ratio = excluded.sensor_weather_ratio;
    END IF;

    INSERT INTO metrics.solar_day_losses (
        plant_id, day, gain_kwh, sky_kwh, outage_kwh, plant_kwh, other_kwh, sensor_kwh,
        low_sky_hours, low_outage_hours, low_plant_hours, low_other_hours, low_sensor_hours,
        not_delivered_kwh, allowed_energy_kwh, adjusted_energy_kwh, usable_hours, used_hours,
        sensor_hours, sensor_energy_kwh, sensor_irradiation_wh_per_m2, best_energy_kwh,
        impossible_hours, soiling_ratio, scaled_hours, weather_hours, weather_fetched_at
    )
    SELECT
        of_plant, days.day,
        sums.gain, sums.sky, sums.outage, sums.plant, sums.other, sums.sensor,
        sums.low_sky, sums.low_outage, sums.low_plant, sums.low_other, sums.low_sensor,
        CASE
            WHEN days.hours_present >= days.hours_expected THEN 0
            ELSE (
                SELECT sum(usual.kwh)
                FROM generate_series(
                    solar.day_begins(days.day, plant.time_zone),
                    solar.day_begins(days.day + 1, plant.time_zone) - interval '1 hour',
                    interval '1 hour'
                ) AS missing (read_at)
                INNER JOIN (
                    SELECT
                        extract(HOUR FROM before.read_at AT TIME ZONE plant.time_zone) AS clock,
                        percentile_cont(0.5) WITHIN GROUP (ORDER BY before.observed_energy_kwh)
                            AS kwh
                    FROM solar.readings AS before
                    WHERE
                        before.plant_id = of_plant
                        AND before.read_at >= solar.day_begins(days.day - 14, plant.time_zone)
                        AND before.read_at < solar.day_begins(days.day, plant.time_zone)
                    GROUP BY clock
                ) AS usual
                    ON
                        extract(HOUR FROM missing.read_at AT TIME ZONE plant.time_zone)
                        = usual.clock
                WHERE NOT EXISTS (
                    SELECT FROM solar.readings
                    WHERE readings.plant_id = of_plant AND readings.read_at = missing.read_at
                )
            )
        END,
        CASE WHEN sums.allowed > 0 OR sums.sensor = 0 THEN sums.allowed END,
        sums.adjusted, sums.usable, sums.used, sums.sensor_hours,
        sums.sensor_energy, sums.sensor_irradiation, sums.best, sums.impossible,
        CASE
            WHEN
                sums.allowed > 1e-6
                AND sums.outage + sums.plant + sums.sensor <= 0.01 * days.expected_energy_kwh
                AND sums.impossible = 0
                THEN CASE WHEN sums.adjusted < 1e-100 THEN 0 ELSE sums.adjusted / sums.allowed END
        END,
        sums.scaled,
        weather.hours, weather.fetched_at
    FROM solar.days
    CROSS JOIN LATERAL (
        SELECT
            coalesce(sum(hours.gain_kwh), 0) AS gain,
            coalesce(sum(hours.sky_kwh), 0) AS sky,
            coalesce(sum(hours.outage_kwh), 0) AS outage,
            coalesce(sum(hours.plant_kwh), 0) AS plant,
            coalesce(sum(hours.other_kwh), 0) AS other,
            coalesce(sum(hours.sensor_kwh), 0) AS sensor,
            count(*) FILTER (WHERE hours.low_cause = 'sky') AS low_sky,
            count(*) FILTER (WHERE hours.low_cause = 'outage') AS low_outage,
            count(*) FILTER (WHERE hours.low_cause = 'plant') AS low_plant,
            count(*) FILTER (WHERE hours.low_cause = 'other') AS low_other,
            count(*) FILTER (WHERE hours.low_cause = 'sensor') AS low_sensor,
            coalesce(sum(hours.allowed_energy_kwh), 0) AS allowed,
            coalesce(
                sum(hours.observed_energy_kwh) FILTER (WHERE hours.allowed_energy_kwh IS NOT NULL),
                0
            ) AS adjusted,
            count(*) FILTER (WHERE 100 * hours.allowed_energy_kwh > hours.best) AS usable,
            count(*) FILTER (
                WHERE
                    100 * hours.allowed_energy_kwh > hours.best
                    AND 100 * hours.observed_energy_kwh > hours.allowed_energy_kwh
            ) AS used,
            count(*) FILTER (WHERE hours.is_sensor_working) AS sensor_hours,
            coalesce(sum(hours.observed_energy_kwh) FILTER (WHERE hours.is_sensor_working), 0)
                AS sensor_energy,
            coalesce(sum(hours.sun_wh_per_m2) FILTER (WHERE hours.is_sensor_working), 0)
                AS sensor_irradiation,
            coalesce(max(hours.best), 0) AS best,
            count(
                solar.impossible_energy(
                    hours.observed_energy_kwh,
                    hours.best,
                    solar.ratio(days.observed_energy_kwh, days.expected_energy_kwh),
                    hours.allowed_energy_kwh,
                    hours.is_sensor_working
                )
            ) AS impossible,
            count(*) FILTER (WHERE hours.is_scaled) AS scaled
        FROM (
            SELECT *, max(expected_energy_kwh) OVER () AS best
            FROM enriched.solar_hour_losses
            WHERE
                plant_id = of_plant
                AND read_at >= solar.day_begins(days.day, plant.time_zone)
                AND read_at < solar.day_begins(days.day + 1, plant.time_zone)
        ) AS hours
    ) AS sums
    CROSS JOIN LATERAL (
        SELECT count(*) AS hours, max(hourly.fetched_at) AS fetched_at
        FROM weather.hourly
        WHERE
            hourly.place_id = place
            AND hourly.hour_at > solar.day_begins(days.day, plant.time_zone)
            AND hourly.hour_at <= solar.day_begins(days.day + 1, plant.time_zone)
    ) AS weather
    WHERE days.plant_id = of_plant AND days.day = ANY(affected)
    ON CONFLICT (plant_id, day) DO UPDATE SET
        gain_kwh = excluded.gain_kwh,
        sky_kwh = excluded.sky_kwh,
        outage_kwh = excluded.outage_kwh,
        plant_kwh = excluded.plant_kwh,
        other_kwh = excluded.other_kwh,
        sensor_kwh = excluded.sensor_kwh,
        low_sky_hours = excluded.low_sky_hours,
        low_outage_hours = excluded.low_outage_hours,
        low_plant_hours = excluded.low_plant_hours,
        low_other_hours = excluded.low_other_hours,
        low_sensor_hours = excluded.low_sensor_hours,
        not_delivered_kwh = excluded.not_delivered_kwh,
        allowed_energy_kwh = excluded.allowed_energy_kwh,
        adjusted_energy_kwh = excluded.adjusted_energy_kwh,
        usable_hours = excluded.usable_hours,
        used_hours = excluded.used_hours,
        sensor_hours = excluded.sensor_hours,
        sensor_energy_kwh = excluded.sensor_energy_kwh,
        sensor_irradiation_wh_per_m2 = excluded.sensor_irradiation_wh_per_m2,
        best_energy_kwh = excluded.best_energy_kwh,
        impossible_hours = excluded.impossible_hours,
        soiling_ratio = excluded.soiling_ratio,
        scaled_hours = excluded.scaled_hours,
        weather_hours = excluded.weather_hours,
        weather_fetched_at = excluded.weather_fetched_at;
    RETURN cardinality(affected);
END
$$;

COMMENT ON FUNCTION solar.keep_losses(integer, date []) IS
'Computes metrics.solar_day_losses of a plant for days whose readings, weather or state changed, and for
the later days that depend on them; returns the number of these days.';
