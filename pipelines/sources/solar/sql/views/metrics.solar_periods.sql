CREATE OR REPLACE FUNCTION metrics.solar_periods(
    plants integer [], from_date date, to_date date, period text DEFAULT 'day'
)
RETURNS TABLE (
    plant_id integer,
    plant_name text,
    period_start date,
    expected_energy_kwh double precision,
    observed_energy_kwh double precision,
    allowed_energy_kwh double precision,
    performance_ratio double precision,
    weather_adjusted_ratio double precision,
    operational_availability double precision,
    iec_performance_ratio double precision,
    specific_yield_kwh_per_kwp double precision,
    data_completeness double precision,
    hours_present integer,
    hours_expected integer,
    hours_missing integer,
    not_delivered_kwh double precision,
    observed_amount numeric,
    tariff_currency text,
    is_whole boolean
)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 400
AS $$
    WITH by_plant AS (
        SELECT
            plants.plant_id,
            plants.name,
            plants.capacity_kwp,
            plants.tariff_currency,
            plants.tariff_per_kwh,
            starts.period_start::date AS period_start,
            sum(days.expected_energy_kwh) AS expected,
            sum(days.observed_energy_kwh) AS observed,
            sum(kept.allowed_energy_kwh) AS allowed,
            sum(kept.adjusted_energy_kwh) AS adjusted,
            sum(kept.used_hours) AS used,
            sum(kept.usable_hours) AS usable,
            sum(kept.sensor_energy_kwh) AS sensor_energy,
            sum(kept.sensor_irradiation_wh_per_m2) AS sensor_irradiation,
            sum(kept.not_delivered_kwh) AS not_delivered,
            coalesce(sum(days.hours_present), 0) AS present,
            sum(
                coalesce(
                    days.hours_expected,
                    solar.hours_of_day(calendar.day::date, plants.time_zone)
                )
            ) AS calendar,
            coalesce(sum(days.hours_present), 0) = floor(
                extract(
                    EPOCH FROM
                    solar.day_begins(
                        (starts.period_start + ('1 ' || solar_periods.period)::interval)::date,
                        plants.time_zone
                    )
                    - solar.day_begins(starts.period_start::date, plants.time_zone)
                ) / 3600
            ) AS is_whole
        FROM solar.plants
        CROSS JOIN LATERAL (
            SELECT days.day
            FROM solar.days
            WHERE days.plant_id = plants.plant_id AND days.hours_present > 0
            ORDER BY days.day
            LIMIT 1
        ) AS oldest
        CROSS JOIN LATERAL generate_series(
            greatest(solar_periods.from_date, oldest.day)::timestamp,
            least(
                solar_periods.to_date,
                (least(now(), plants.retired_at) AT TIME ZONE plants.time_zone)::date
            ) - interval '1 day',
            interval '1 day'
        ) AS calendar (day)
        CROSS JOIN LATERAL (
            SELECT date_trunc(solar_periods.period, calendar.day) AS period_start
        ) AS starts
        LEFT JOIN solar.days
            ON
                days.plant_id = plants.plant_id
                AND days.day = calendar.day::date
                AND days.day >= solar_periods.from_date
                AND days.day < solar_periods.to_date
        LEFT JOIN metrics.solar_day_losses AS kept
            ON
                kept.plant_id = days.plant_id
                AND kept.day = days.day
                AND kept.day >= solar_periods.from_date
                AND kept.day < solar_periods.to_date
        WHERE plants.plant_id = ANY(solar_periods.plants)
        GROUP BY plants.plant_id, starts.period_start
    )

    SELECT
        by_plant.plant_id,
        max(by_plant.name) FILTER (WHERE by_plant.plant_id IS NOT NULL),
        by_plant.period_start,
        solar.rounded(sum(by_plant.expected)),
        solar.rounded(sum(by_plant.observed)),
        solar.rounded(sum(by_plant.allowed)),
        solar.ratio(sum(by_plant.observed), sum(by_plant.expected)),
        solar.ratio(sum(by_plant.adjusted), sum(by_plant.allowed)),
        solar.ratio(sum(by_plant.used), sum(by_plant.usable)),
        solar.ratio(
            1000 * sum(by_plant.sensor_energy) FILTER (WHERE by_plant.capacity_kwp > 0),
            sum(by_plant.capacity_kwp * by_plant.sensor_irradiation)
        ),
        CASE
            WHEN grouping(by_plant.plant_id) = 0
                THEN solar.ratio(sum(by_plant.observed), max(by_plant.capacity_kwp))
        END,
        solar.ratio(sum(by_plant.present), sum(by_plant.calendar)),
        sum(by_plant.present)::integer,
        sum(by_plant.calendar)::integer,
        sum(by_plant.calendar - by_plant.present)::integer,
        solar.rounded(sum(by_plant.not_delivered)),
        CASE
            WHEN count(DISTINCT by_plant.tariff_currency) = 1
                THEN round(sum(by_plant.observed::numeric * by_plant.tariff_per_kwh), 6)
        END,
        CASE WHEN count(DISTINCT by_plant.tariff_currency) = 1 THEN min(by_plant.tariff_currency) END,
        bool_and(by_plant.is_whole)
    FROM by_plant
    GROUP BY GROUPING SETS (
        (by_plant.plant_id, by_plant.period_start),
        (by_plant.period_start),
        (by_plant.plant_id),
        ()
    )
    ORDER BY by_plant.plant_id, by_plant.period_start
$$;

COMMENT ON FUNCTION metrics.solar_periods(integer [], date, date, text) IS
'Returns the energy of plants by period (day, week, month or year) from from_date until before to_date:
a row for each plant and period, for each period of all of them (plant_id is null), for each plant
(period_start is null), and for all (both are null). It covers the days that are over, from each
plant''s first day with readings until it was retired. is_whole is true if the range covers
the whole period and each hour of it is stored. The columns are those of metrics.solar_daily, of the sums;
not_delivered_kwh is of the days of which it is known. specific_yield_kwh_per_kwp is null of several
plants, iec_performance_ratio is of those with a capacity, and observed_amount is of those with a
tariff, null if their currencies differ.
Example: SELECT * FROM metrics.solar_periods(ARRAY[1], current_date - 28, current_date, ''week'');';
