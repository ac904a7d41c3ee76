-- Work: linear, 150 buffers
-- Whole periods, from the period of the first stored day: the current period lacks hours, like one
-- with a gap.
SELECT
    name,
    period_start,
    expected_energy_kwh,
    observed_energy_kwh,
    performance_ratio,
    hours_present,
    hours_expected,
    -- Those between the first stored day and today: the others of a period cannot be missing.
    (
        extract(
            EPOCH FROM
            solar.day_begins(
                least(period_start + ('1 ' || %(period)s)::interval, %(to_date)s)::date, time_zone
            )
            - solar.day_begins(greatest(period_start::date, %(from_date)s, first_day), time_zone)
        ) / 3600
    )::integer AS hours_due
FROM (
    SELECT min(day) AS first_day
    FROM solar.days
    WHERE plant_id = ANY (%(plants)s::integer[]) AND hours_present > 0 AND day < %(to_date)s
) AS stored
CROSS JOIN solar.plants
CROSS JOIN LATERAL metrics.solar_report(
    plant_id,
    date_trunc(%(period)s, greatest(%(from_date)s, first_day)::timestamp)::date,
    (date_trunc(%(period)s, %(to_date)s - interval '1 day') + ('1 ' || %(period)s)::interval)::date,
    %(period)s
)
WHERE first_day IS NOT NULL AND plant_id = ANY (%(plants)s::integer[])
ORDER BY name, period_start;
