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
    -- Since the plant's first stored day. East of UTC a day is over before to_date is.
    CASE
        WHEN own_first_day IS NULL THEN 0
        ELSE greatest(
            extract(
                EPOCH FROM
                solar.day_begins(
                    least(
                        period_start + ('1 ' || %(period)s)::interval,
                        greatest(%(to_date)s, own_last_day + 1)
                    )::date,
                    time_zone
                )
                - solar.day_begins(greatest(period_start::date, own_first_day), time_zone)
            ) / 3600,
            0
        )
    END::integer AS hours_due
FROM (
    SELECT
        plants.plant_id,
        plants.name,
        plants.time_zone,
        own.first_day AS own_first_day,
        own.last_day AS own_last_day,
        min(own.first_day) FILTER (WHERE own.first_day < %(to_date)s) OVER () AS first_day
    FROM solar.plants
    CROSS JOIN LATERAL (
        SELECT
            min(days.day) AS first_day,
            max(days.day) AS last_day
        FROM solar.days
        WHERE days.plant_id = plants.plant_id AND days.hours_present > 0
    ) AS own
    WHERE plants.plant_id = ANY (%(plants)s::integer[])
) AS stored
CROSS JOIN LATERAL metrics.solar_report(
    plant_id,
    date_trunc(%(period)s, greatest(%(from_date)s, first_day)::timestamp)::date,
    (date_trunc(%(period)s, %(to_date)s - interval '1 day') + ('1 ' || %(period)s)::interval)::date,
    %(period)s
)
WHERE first_day IS NOT NULL
ORDER BY name, period_start;
