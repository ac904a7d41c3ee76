-- Plants that a sync is worth for: those that were never synced, those whose sync was killed, and those
-- with days to be asked for again; of the last two none that were synced within ten minutes.
SELECT plants.plant_id
FROM solar.plants
LEFT JOIN solar.syncs USING (plant_id)
WHERE
    plants.retired_at IS NULL
    AND (
        syncs.plant_id IS NULL
        OR (
            syncs.began_at < :now - interval '10 minutes'
            AND (
                syncs.ended_at IS NULL
                OR EXISTS (
                    SELECT FROM solar.days
                    WHERE days.plant_id = plants.plant_id AND days.retry_at <= :now
                )
            )
        )
    )
ORDER BY plants.plant_id
