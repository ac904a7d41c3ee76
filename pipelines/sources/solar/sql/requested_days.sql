-- The requested days of a plant, and whether they are due again. A sync retries failed days at once.
SELECT
    day,
    status = 'failed' OR coalesce(retry_at <= :now, FALSE) AS is_due
FROM solar.days
WHERE plant_id = :plant_id AND day >= :oldest
