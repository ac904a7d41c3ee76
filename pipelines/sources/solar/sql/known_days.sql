-- What is known of a plant's days: the last that was asked for, runs of days before it that never
-- were, and those to be asked for again: whoever runs a sync does not wait for days that failed.
WITH asked AS (
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
FROM asked
HAVING max(day) IS NOT NULL
UNION ALL
SELECT
    'hole',
    coalesce(day_before + 1, :oldest),
    day - 1
FROM asked
WHERE day - 1 >= coalesce(day_before + 1, :oldest)
UNION ALL
SELECT
    'due',
    day,
    day
FROM asked
WHERE retry_at <= :now OR status = 'failed'
