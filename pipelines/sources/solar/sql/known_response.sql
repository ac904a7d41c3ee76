-- The counts of the last response for a window, if it was the same and is the last one for every day.
SELECT
    last_one.read_count AS read,
    last_one.rejected_count AS rejected
FROM (
    SELECT
        delivery_id,
        sha256,
        read_count,
        rejected_count
    FROM ops.deliveries
    WHERE feed = 'solar' AND name = :name AND problem IS NULL
    ORDER BY loaded_at DESC
    LIMIT 1
) AS last_one
WHERE
    last_one.sha256 = :sha256
    AND CAST(:end AS date) - CAST(:first AS date) = (
        SELECT count(*)
        FROM solar.days
        WHERE
            days.plant_id = :plant_id
            AND days.day >= :first
            AND days.day < :end
            AND days.status IN ('complete', 'empty')
            AND days.retry_at IS NULL
            AND days.delivery_id = last_one.delivery_id
    )
