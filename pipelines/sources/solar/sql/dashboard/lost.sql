-- The plant that lost most on the last whole day of all plants, if it made under nine tenths.
SELECT
    daily.plant_name AS link_plant,
    daily.day AS link_day,
    daily.plant_name AS plant,
    daily.day,
    daily.performance_ratio AS share,
    sum(losses.loss_kwh) AS lost_kwh
FROM metrics.solar_daily AS daily
INNER JOIN solar.plants ON daily.plant_id = plants.plant_id AND plants.retired_at IS NULL
INNER JOIN metrics.solar_losses AS losses
    ON daily.plant_id = losses.plant_id AND daily.day = losses.day
WHERE
    daily.day = (SELECT last.day FROM metrics.solar_fleet_days AS last ORDER BY last.day DESC LIMIT 1)
    AND daily.hours_missing = 0
    AND daily.performance_ratio < 0.9
GROUP BY daily.plant_name, daily.day, daily.performance_ratio
ORDER BY lost_kwh DESC
LIMIT 1;
