-- Every plant with its number of complete, missing and not requested days.
SELECT
    plants.*,
    days.*
FROM solar.plants
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE status = 'complete') AS days_complete,
        (
            SELECT coalesce(sum(gaps.days), 0)
            FROM solar.gaps
            WHERE gaps.plant_id = plants.plant_id AND status IN ('partial', 'failed', 'empty')
        ) AS days_missing,
        count(*) FILTER (WHERE status = 'not requested') AS days_not_requested
    FROM solar.coverage
    WHERE coverage.plant_id = plants.plant_id
) AS days
ORDER BY plants.plant_id
