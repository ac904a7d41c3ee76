-- Plants in service whose stored health does not cover the last 30 days: a new day has ended, one
-- of these days was requested since, or coordinates were added or removed. The last request time is
-- compared for equality: a sync that started before an evaluation may commit after it.
SELECT
    plants.plant_id,
    plants.name AS plant_name,
    plants.latitude,
    plants.longitude,
    yesterday.day,
    solar.day_begins(yesterday.day - 29, plants.time_zone) AS first_at,
    solar.day_begins(yesterday.day - 6, plants.time_zone) AS week_at,
    solar.day_begins(yesterday.day + 1, plants.time_zone) AS end_at,
    requested.requested_at
FROM solar.plants
CROSS JOIN LATERAL (
    SELECT (CAST(:now AS timestamptz) AT TIME ZONE plants.time_zone)::date - 1 AS day
) AS yesterday
CROSS JOIN LATERAL (
    SELECT max(days.requested_at) AS requested_at
    FROM solar.days
    WHERE
        plants.plant_id = days.plant_id
        AND days.day BETWEEN yesterday.day - 29 AND yesterday.day
) AS requested
LEFT JOIN metrics.solar_plant_health AS health ON plants.plant_id = health.plant_id
WHERE
    plants.retired_at IS NULL
    AND (
        (health.day, health.requested_at) IS DISTINCT FROM (yesterday.day, requested.requested_at)
        OR (health.night_hours IS NULL) <> (plants.latitude IS NULL)
    )
ORDER BY plants.plant_id
FOR KEY SHARE OF plants
