-- Number of days of a plant by status.
SELECT
    status,
    count(*) AS days
FROM solar.coverage
WHERE plant_id = :plant_id
GROUP BY status
ORDER BY status
