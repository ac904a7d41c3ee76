-- Plants that are due for a sync: those that were never synced and, from ten minutes after the
-- start of their last sync, those whose sync was killed, whose data of yesterday was not requested
-- within 45 minutes (by then the schedule has), or that have days due for a retry.
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
                OR NOT EXISTS (
                    SELECT FROM solar.days
                    WHERE
                        days.plant_id = plants.plant_id
                        AND days.day
                        >= ((:now - interval '45 minutes') AT TIME ZONE plants.time_zone)::date - 1
                )
                OR plants.plant_id IN (
                    SELECT days.plant_id
                    FROM solar.days
                    INNER JOIN solar.syncs AS last USING (plant_id)
                    WHERE days.retry_at <= :now AND days.day >= last.history_from
                )
            )
        )
    )
ORDER BY plants.plant_id
