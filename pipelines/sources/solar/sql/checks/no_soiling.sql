-- Plants in service that are probably dirty on their last day with readings.
SELECT
    soiling.plant_id,
    soiling.plant_name,
    soiling.day,
    soiling.since_day,
    soiling.usable_days,
    soiling.decline_per_day_pct
FROM solar.plants
CROSS JOIN LATERAL (
    SELECT days.day
    FROM solar.days
    WHERE days.plant_id = plants.plant_id AND days.hours_present > 0
    ORDER BY days.day DESC
    LIMIT 1
) AS newest
INNER JOIN metrics.solar_soiling AS soiling
    ON plants.plant_id = soiling.plant_id AND soiling.day = newest.day
WHERE plants.retired_at IS NULL
ORDER BY soiling.decline_per_day_pct DESC, soiling.plant_id
