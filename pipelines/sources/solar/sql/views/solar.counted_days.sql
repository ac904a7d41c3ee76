CREATE OR REPLACE FUNCTION solar.counted_days(
    of_plant integer, zone text, first_day date, end_day date
)
RETURNS TABLE (
    day date,
    hours_expected integer,
    hours_present bigint,
    expected_energy_kwh double precision,
    observed_energy_kwh double precision,
    expected_irradiation_wh_per_m2 double precision,
    observed_irradiation_wh_per_m2 double precision,
    changed_by bigint
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        starts::date,
        solar.hours_of_day(starts::date, zone),
        count(readings.read_at),
        sum(readings.expected_energy_kwh),
        sum(readings.observed_energy_kwh),
        sum(readings.expected_irradiation_wh_per_m2),
        sum(readings.observed_irradiation_wh_per_m2),
        max(readings.delivery_id)
    FROM generate_series(
        first_day::timestamp, end_day - interval '1 day', interval '1 day'
    ) AS starts
    LEFT JOIN solar.readings
        ON
            readings.plant_id = of_plant
            AND readings.read_at >= solar.day_begins(first_day, zone)
            AND readings.read_at < solar.day_begins(end_day, zone)
            AND (readings.read_at AT TIME ZONE zone)::date = starts::date
    GROUP BY starts
$$;

COMMENT ON FUNCTION solar.counted_days(integer, text, date, date) IS
'Returns what is stored of the days of a plant from first_day until before end_day, in a time zone:
their hours and sums, and the last delivery with one of these values.';
