-- State of a plant's days: the last requested day, runs of days before it that were never
-- requested, and days due for a retry. A sync retries failed days at once.
WITH requested AS (
    SELECT
        day,
        status,
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
WHERE status = 'failed' OR day IN (SELECT day FROM solar.due_days(:now) WHERE plant_id = :plant_id)
