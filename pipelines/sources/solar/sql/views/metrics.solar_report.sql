CREATE OR REPLACE FUNCTION metrics.solar_report(
    plant_id bigint DEFAULT NULL,
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    period text DEFAULT 'hour'
)
RETURNS TABLE (
    period_start timestamp,
    expected_energy_kwh double precision,
    observed_energy_kwh double precision,
    expected_irradiation_wh_per_m2 double precision,
    observed_irradiation_wh_per_m2 double precision,
    hours_present integer,
    hours_expected integer,
    performance_ratio double precision,
    allowed_energy_kwh double precision,
    weather_adjusted_ratio double precision,
    operational_availability double precision,
    iec_performance_ratio double precision,
    specific_yield_kwh_per_kwp double precision,
    data_completeness double precision,
    not_delivered_kwh double precision,
    observed_amount numeric,
    tariff_currency text
)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 366
AS $$
#variable_conflict use_column
DECLARE
    first_date CONSTANT date := '1950-01-01';
    last_date CONSTANT date := '2051-01-01';
    example CONSTANT text :=
        'metrics.solar_report(1, ''2020-12-01'', ''2021-01-01''), or (..., ''month'')';
    plant solar.plants;
    zone text;
    problem text;
BEGIN
    IF plant_id IS NULL OR from_date IS NULL OR to_date IS NULL THEN
        RAISE EXCEPTION 'Please provide plant_id, from and to values' USING
            ERRCODE = 'invalid_parameter_value',
            HINT = example;
    END IF;
    SELECT * INTO plant FROM solar.plants WHERE plants.plant_id = solar_report.plant_id;
    zone := plant.time_zone;
    IF zone IS NULL THEN
        RAISE EXCEPTION 'Object with plant id does not exists' USING
            ERRCODE = 'no_data_found',
            DETAIL = format('plant_id is %s.', plant_id),
            HINT = 'SELECT plant_id, name FROM solar.plants';
    END IF;
    problem := CASE
        WHEN from_date > to_date THEN 'From date can not be greater than to date'
        WHEN from_date > (now() AT TIME ZONE zone)::date
            THEN format('from_date is %s: it is in the future, today is %s there', from_date, (now() AT TIME ZONE zone)::date)
        WHEN from_date < first_date
            THEN format('from_date is %s: it must be %s or later', from_date, first_date)
        WHEN to_date > last_date
            THEN format('to_date is %s: it must be %s or earlier', to_date, last_date)
        WHEN period IS NULL OR period NOT IN ('hour', 'day', 'week', 'month', 'year')
            THEN format('period is %L: it must be hour, day, week, month or year', period)
    END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING
            ERRCODE = 'invalid_parameter_value',
            HINT = example;
    END IF;
    IF period = 'hour' THEN
        RETURN QUERY
        SELECT
            hours.hour_at AT TIME ZONE zone,
            readings.expected_energy_kwh,
            readings.observed_energy_kwh,
            readings.expected_irradiation_wh_per_m2,
            readings.observed_irradiation_wh_per_m2,
            (readings.read_at IS NOT NULL)::integer,
            1,
            solar.ratio(readings.observed_energy_kwh, readings.expected_energy_kwh),
            NULL::double precision,
            NULL::double precision,
            NULL::double precision,
            NULL::double precision,
            solar.ratio(readings.observed_energy_kwh, plant.capacity_kwp),
            (readings.read_at IS NOT NULL)::integer::double precision,
            NULL::double precision,
            round(readings.observed_energy_kwh::numeric * plant.tariff_per_kwh, 6),
            plant.tariff_currency
        FROM generate_series(
            solar_report.from_date::timestamp,
            solar_report.to_date - interval '1 day',
            interval '1 day'
        ) AS days (starts)
        CROSS JOIN LATERAL generate_series(
            solar.day_begins(days.starts::date, zone),
            solar.day_begins(days.starts::date + 1, zone) - interval '1 minute',
            interval '30 minutes'
        ) AS hours (hour_at)
        LEFT JOIN solar.readings
            ON
                readings.plant_id = solar_report.plant_id
                AND readings.read_at = hours.hour_at
                AND readings.read_at >= solar.day_begins(solar_report.from_date, zone)
                AND readings.read_at < solar.day_begins(solar_report.to_date, zone)
        WHERE extract(MINUTE FROM hours.hour_at AT TIME ZONE zone) = 0
        ORDER BY hours.hour_at;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        min(calendar.starts),
        solar.rounded(sum(days.expected_energy_kwh)),
        solar.rounded(sum(days.observed_energy_kwh)),
        solar.rounded(sum(days.expected_irradiation_wh_per_m2)),
        solar.rounded(sum(days.observed_irradiation_wh_per_m2)),
        coalesce(sum(days.hours_present), 0)::integer,
        sum(
            coalesce(days.hours_expected, solar.hours_of_day(calendar.starts::date, zone))
        )::integer,
        solar.ratio(sum(days.observed_energy_kwh), sum(days.expected_energy_kwh)),
        solar.rounded(sum(kept.allowed_energy_kwh)),
        solar.ratio(sum(kept.adjusted_energy_kwh), sum(kept.allowed_energy_kwh)),
        solar.ratio(sum(kept.used_hours), sum(kept.usable_hours)),
        solar.ratio(
            1000 * sum(kept.sensor_energy_kwh),
            plant.capacity_kwp * sum(kept.sensor_irradiation_wh_per_m2)
        ),
        solar.ratio(sum(days.observed_energy_kwh), plant.capacity_kwp),
        solar.ratio(
            coalesce(sum(days.hours_present), 0),
            sum(
                coalesce(days.hours_expected, solar.hours_of_day(calendar.starts::date, zone))
            )
        ),
        solar.rounded(sum(kept.not_delivered_kwh)),
        round(sum(days.observed_energy_kwh)::numeric * plant.tariff_per_kwh, 6),
        plant.tariff_currency
    FROM generate_series(
        solar_report.from_date::timestamp,
        solar_report.to_date - interval '1 day',
        interval '1 day'
    ) AS calendar (starts)
    LEFT JOIN solar.days
        ON
            days.plant_id = solar_report.plant_id
            AND days.day = calendar.starts::date
            AND days.day >= solar_report.from_date
            AND days.day < solar_report.to_date
    LEFT JOIN metrics.solar_day_losses AS kept
        ON
            kept.plant_id = days.plant_id
            AND kept.day = days.day
            AND kept.day >= solar_report.from_date
            AND kept.day < solar_report.to_date
    GROUP BY date_trunc(solar_report.period, calendar.starts)
    ORDER BY date_trunc(solar_report.period, calendar.starts);
END
$$;

COMMENT ON FUNCTION metrics.solar_report(bigint, date, date, text) IS
'Returns the expected and observed energy and irradiation of a plant by period: hour, day, week
(from Monday), month or year. The range includes from_date and excludes to_date, both in the
plant''s time zone. Every period has a row, future days included; without data, the sums are null
and hours_present is 0. period_start is in the plant''s local time: when clocks are set back, two
consecutive hours have the same value; when clocks are set forward, one hour is skipped. If a week,
month or year is only partly in the range, its row covers only the days in the range, and
period_start is the first of them. hours_present is the number of stored hours and hours_expected
the number of hours in the period: compare them to see how complete a sum is. Sums are rounded to 3
decimals; hourly values are as received. performance_ratio is observed / expected energy of the
stored hours; null if none was expected (less than 0.000001 kWh): it is not IEC''s; to judge a plant, use
weather_adjusted_ratio. The columns behind it are those of metrics.solar_daily, of the sums;
allowed_energy_kwh, not_delivered_kwh and three ratios are null by hour, for which see
enriched.solar_hour_losses. Raises an error (22023) if an
argument is missing, period is none of these, a date is outside 1950 to 2050, from_date is after
to_date, or from_date is in the future. Raises an error (P0002) if the plant does not exist. For several
plants: FROM solar.plants CROSS JOIN LATERAL metrics.solar_report(plants.plant_id, ...).
Example: SELECT * FROM metrics.solar_report(plant_id => (SELECT min(plant_id) FROM solar.plants), from_date => current_date - 28, to_date => current_date, period => ''week'');';
