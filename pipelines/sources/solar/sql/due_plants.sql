-- Plants that a sync is worth for: those that were never synced, and, ten minutes after their last sync,
-- those whose sync was killed, of which yesterday was not requested within 45 minutes (by then the
-- schedule has, where it could), or with days due again.
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
                OR EXISTS (
                    SELECT FROM solar.days
                    WHERE
                        days.plant_id = plants.plant_id
                        AND days.retry_at <= :now
                        AND days.day >= syncs.history_from
                )
            )
        )
    )
ORDER BY plants.plant_id
