-- Computes the losses of the days whose readings a response changed, or that have none yet, and of
-- the days that depend on them.
SELECT
    solar.keep_losses(
        :plant_id,
        ARRAY(
            SELECT days.day
            FROM solar.days
            LEFT JOIN metrics.solar_day_losses AS kept USING (plant_id, day)
            WHERE
                days.plant_id = :plant_id
                AND days.day >= :first
                AND days.day < :end
                AND (
                    kept.day IS NULL
                    OR EXISTS (
                        SELECT FROM solar.readings
                        WHERE
                            readings.plant_id = :plant_id
                            AND readings.read_at >= solar.day_begins(days.day, :zone)
                            AND readings.read_at < solar.day_begins(days.day + 1, :zone)
                            AND readings.delivery_id = :delivery_id
                    )
                )
        )
    )
