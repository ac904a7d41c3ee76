-- Hours in which the water level changed by more than 300 cm.
SELECT
    later.station_id,
    later.read_at,
    earlier.level_cm AS level_before_cm,
    later.level_cm
FROM tides.readings AS later
INNER JOIN tides.readings AS earlier
    ON later.station_id = earlier.station_id AND later.read_at = earlier.read_at + interval '1 hour'
WHERE abs(later.level_cm - earlier.level_cm) > 300
