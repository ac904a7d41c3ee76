-- Computes the losses of the days of a plant whose weather is not the one they were computed with, or of all if it is of
-- another place. A plant that was deleted meanwhile has none.
INSERT INTO solar.weather_versions (plant_id, version)
SELECT plants.plant_id, :version
FROM solar.plants
WHERE plants.plant_id = :plant_id
FOR KEY SHARE
ON CONFLICT (plant_id) DO UPDATE SET version = excluded.version;

SELECT
    solar.keep_losses(
        :plant_id,
        ARRAY(
            SELECT days.day
            FROM solar.days
            LEFT JOIN metrics.solar_day_losses AS kept USING (plant_id, day)
            LEFT JOIN (
                SELECT
                    -- The hour at whose end its mean stands, also where hours begin at half past.
                    (
                        (hourly.hour_at - interval '1 microsecond') AT TIME ZONE plants.time_zone
                    )::date AS day,
                    count(*) AS hours,
                    max(hourly.fetched_at) AS fetched_at
                FROM solar.plants
                INNER JOIN weather.places USING (place_key)
                INNER JOIN weather.hourly ON places.place_id = hourly.place_id
                WHERE plants.plant_id = :plant_id
                GROUP BY 1
            ) AS weather USING (day)
            WHERE
                days.plant_id = :plant_id
                AND (
                    :is_moved
                    OR kept.day IS NULL
                    OR (kept.weather_hours, kept.weather_fetched_at)
                    IS DISTINCT FROM (coalesce(weather.hours, 0), weather.fetched_at)
                )
        )
    )
