-- What is known of a plant's days: the last that was requested, runs of days before it that never
-- were, and those due again: a sync by hand does not wait for days that failed.
WITH requested AS (
    SELECT
        day,
        status,
        retry_at,
        lag(day) OVER (ORDER BY day) AS day_before
    FROM solar.days
    WHERE plant_id = :plant_id AND day >= :oldest
)

SELECT
    'last' AS kind,
    max(day) AS first_day,
    max(day) AS last_day
FROM requested
HAVING max(day) IS NOT NULL
UNION ALL
SELECT
    'hole',
    coalesce(day_before + 1, :oldest),
    day - 1
FROM requested
WHERE day - 1 >= coalesce(day_before + 1, :oldest)
UNION ALL
SELECT
    'due',
    day,
    day
FROM requested
WHERE retry_at <= :now OR status = 'failed'
