-- What is held of a plant: its days by status, and its hours.
SELECT
    status,
    count(*) AS days,
    sum(hours_present) AS hours
FROM solar.coverage
WHERE plant_id = :plant_id
GROUP BY status
ORDER BY status
