-- How many days of a plant are known how.
SELECT
    status,
    count(*) AS days
FROM solar.coverage
WHERE plant_id = :plant_id
GROUP BY status
ORDER BY status
