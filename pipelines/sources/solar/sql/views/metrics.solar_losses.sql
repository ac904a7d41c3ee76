-- For each day its hours are read by the index, and the 30 days before it.
CREATE OR REPLACE VIEW metrics.solar_losses AS
SELECT
    days.plant_id,
    plants.name AS plant_name,
    days.day,
    losses.cause,
    solar.rounded(losses.lost_kwh) AS lost_kwh
FROM solar.days
INNER JOIN solar.plants ON days.plant_id = plants.plant_id
CROSS JOIN LATERAL (
    SELECT
        sum(split.lost_kwh) FILTER (WHERE split.cause = 'outage') AS outage,
        sum(split.lost_kwh) FILTER (WHERE split.cause = 'plant') AS plant,
        sum(split.lost_kwh) FILTER (WHERE split.cause = 'sensor') AS sensor,
        sum(split.sky_kwh) FILTER (WHERE split.cause IS NULL) AS sky,
        greatest(
            0, sum(split.lost_kwh - split.sky_kwh) FILTER (WHERE split.cause IS NULL)
        ) AS efficiency
    FROM (
        SELECT
            readings.expected_energy_kwh - readings.observed_energy_kwh AS lost_kwh,
            -- The share of the expected sun that did not shine.
            CASE
                WHEN sun.wh_per_m2 < readings.expected_irradiation_wh_per_m2
                    THEN readings.expected_energy_kwh
                        * (
                            1
                            - greatest(0, sun.wh_per_m2) / readings.expected_irradiation_wh_per_m2
                        )
                ELSE 0
            END AS sky_kwh,
            CASE
                WHEN
                    readings.low_yield_cause = 'plant'
                    AND readings.observed_energy_kwh < 0.01 * readings.expected_energy_kwh
                    THEN 'outage'
                WHEN readings.low_yield_cause = 'plant' THEN 'plant'
                WHEN sun.wh_per_m2 IS NULL THEN 'sensor'
            END AS cause
        FROM enriched.solar_readings AS readings
        CROSS JOIN LATERAL (
            SELECT
                CASE
                    WHEN readings.low_yield_cause = 'sensor'
                        THEN readings.shortwave_radiation_w_per_m2
                    ELSE readings.observed_irradiation_wh_per_m2
                END AS wh_per_m2
        ) AS sun
        WHERE
            readings.plant_id = days.plant_id
            AND readings.read_at >= solar.day_begins(days.day, plants.time_zone)
            AND readings.read_at < solar.day_begins(days.day + 1, plants.time_zone)
            AND readings.expected_energy_kwh > 0
        OFFSET 0  -- else the cause is evaluated for each sum
    ) AS split
) AS hours
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN count(recent.yield) >= 10
                THEN percentile_cont(0.9) WITHIN GROUP (ORDER BY recent.yield)
        END AS clean,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY recent.yield)
            FILTER (WHERE recent.day > days.day - 5) AS present
    FROM (
        SELECT
            before.day,
            -- Energy by sunlight, as a share of what is expected: the weather is not in it.
            CASE
                WHEN
                    least(
                        before.expected_energy_kwh,
                        before.observed_irradiation_wh_per_m2,
                        before.expected_irradiation_wh_per_m2
                    ) > 0.000001
                    THEN before.observed_energy_kwh / before.expected_energy_kwh
                        * before.expected_irradiation_wh_per_m2
                        / before.observed_irradiation_wh_per_m2
            END AS yield
        FROM solar.days AS before
        WHERE
            before.plant_id = days.plant_id
            AND before.day > days.day - 30
            AND before.day <= days.day
        OFFSET 0
    ) AS recent
) AS month
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN month.clean - month.present >= 0.01 THEN least(
            hours.efficiency,
            days.expected_energy_kwh
            * coalesce(
                solar.ratio(
                    days.observed_irradiation_wh_per_m2, days.expected_irradiation_wh_per_m2
                ),
                1
            )
            * greatest(0, month.clean - month.present)
        ) ELSE 0 END AS kwh
) AS soiling
CROSS JOIN LATERAL (
    SELECT sum(usual.kwh) AS kwh
    FROM generate_series(0, days.hours_expected - 1) AS number
    CROSS JOIN LATERAL (
        SELECT
            solar.day_begins(days.day, plants.time_zone) + number * interval '1 hour' AS read_at
    ) AS hour
    CROSS JOIN LATERAL (
        SELECT avg(before.expected_energy_kwh) AS kwh
        FROM solar.readings AS before
        WHERE
            before.plant_id = days.plant_id
            AND before.read_at IN (
                SELECT hour.read_at - earlier * interval '24 hours'
                FROM generate_series(1, 30) AS earlier
            )
    ) AS usual
    WHERE
        days.hours_present < days.hours_expected
        -- Else years before the first reading would be looked through hour by hour.
        AND EXISTS (
            SELECT FROM solar.readings
            WHERE
                readings.plant_id = days.plant_id
                AND readings.read_at >= solar.day_begins(days.day - 31, plants.time_zone)
                AND readings.read_at < solar.day_begins(days.day + 1, plants.time_zone)
        )
        AND NOT EXISTS (
            SELECT FROM solar.readings
            WHERE readings.plant_id = days.plant_id AND readings.read_at = hour.read_at
        )
) AS missing
CROSS JOIN LATERAL (
    VALUES
    ('sky', hours.sky),
    ('outage', hours.outage),
    ('plant', hours.plant),
    ('sensor', hours.sensor),
    ('soiling', soiling.kwh),
    ('other', hours.efficiency - soiling.kwh),
    ('not delivered', missing.kwh)
) AS losses (cause, lost_kwh)
WHERE losses.lost_kwh > 0.0005;

COMMENT ON VIEW metrics.solar_losses IS
'Energy that was expected of each plant and not produced, by day and cause. There are up to seven
rows for each requested day, and none for a day without losses. Days and causes above expectation
are not set off, so the sum is more than expected less observed energy; for this difference, query
metrics.solar_daily. Fast if filtered by plant_id and a range of day.';
COMMENT ON COLUMN metrics.solar_losses.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN metrics.solar_losses.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN metrics.solar_losses.day IS 'The day, in the plant''s time zone.';
COMMENT ON COLUMN metrics.solar_losses.cause IS
'sky: less sun than expected; outage: no energy though the sun shone; plant: less than 60 % of the
energy that the sun allowed; sensor: the sensor failed and the radiation of the weather model,
which replaces it, is unknown, so the cause is, too (if it is known, the cause follows from it);
soiling: energy by sunlight is below that of clean panels, which are the best tenth of the last 30
days, by their median of five days; other: whatever else is low; not delivered: hours without a
reading, estimated from the same hours of the 30 days before. See low_yield_cause in
enriched.solar_readings.';
COMMENT ON COLUMN metrics.solar_losses.lost_kwh IS
'Energy lost, kWh (the unit is assumed), rounded to 3 decimals. A rule of thumb.';
