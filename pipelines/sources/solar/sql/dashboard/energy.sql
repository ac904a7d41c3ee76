-- Work: linear, 200 buffers
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
    -- Those between the plant's first stored day and today: no others of a period can be missing.
    greatest(
        extract(
            EPOCH FROM
            solar.day_begins(
                least(period_start + ('1 ' || %(period)s)::interval, %(to_date)s)::date, time_zone
            )
            - solar.day_begins(greatest(period_start::date, own.first_day), time_zone)
        ) / 3600,
        0
    )::integer AS hours_due
FROM (
    SELECT min(day) AS first_day
    FROM solar.days
    WHERE plant_id = ANY (%(plants)s::integer[]) AND hours_present > 0 AND day < %(to_date)s
) AS stored
CROSS JOIN solar.plants
CROSS JOIN LATERAL (
    SELECT min(day) AS first_day
    FROM solar.days
    WHERE days.plant_id = plants.plant_id AND hours_present > 0 AND day < %(to_date)s
) AS own
CROSS JOIN LATERAL metrics.solar_report(
    plants.plant_id,
    date_trunc(%(period)s, greatest(%(from_date)s, stored.first_day)::timestamp)::date,
    (date_trunc(%(period)s, %(to_date)s - interval '1 day') + ('1 ' || %(period)s)::interval)::date,
    %(period)s
)
WHERE stored.first_day IS NOT NULL AND plants.plant_id = ANY (%(plants)s::integer[])
ORDER BY name, period_start;
