-- Every plant with its number of complete, missing and not requested days: counted as in
-- solar.coverage, but without generating a row for each day.
SELECT
    plants.plant_id,
    plants.name,
    plants.time_zone,
    plants.latitude,
    plants.longitude,
    plants.registered_at,
    plants.retired_at,
    known.complete AS days_complete,
    known.requested - known.settled AS days_missing,
    span.last_day - least(known.first_day, syncs.history_from, span.last_day) + 1 - known.requested
        AS days_not_requested
FROM solar.plants
LEFT JOIN solar.syncs USING (plant_id)
CROSS JOIN LATERAL (
    SELECT
        (least(now(), plants.retired_at) AT TIME ZONE plants.time_zone)::date - 1 AS last_day
) AS span
CROSS JOIN LATERAL (
    SELECT
        min(days.day) AS first_day,
        count(*) FILTER (WHERE days.status = 'complete') AS complete,
        count(*) FILTER (
            WHERE days.status IN ('complete', 'empty', 'closed') AND days.day <= span.last_day
        ) AS settled,
        count(*) FILTER (WHERE days.day <= span.last_day) AS requested
    FROM solar.days
    WHERE days.plant_id = plants.plant_id
) AS known
ORDER BY plants.plant_id
