-- Coordinates of a plant, and its stored hours of a window.
SELECT
    latitude,
    longitude,
    ARRAY(
        SELECT read_at
        FROM solar.readings
        WHERE
            readings.plant_id = plants.plant_id
            AND read_at >= solar.day_begins(CAST(:first AS date), :zone)
            AND read_at < solar.day_begins(CAST(:end AS date), :zone)
    ) AS hours
FROM solar.plants
WHERE plant_id = :plant_id
