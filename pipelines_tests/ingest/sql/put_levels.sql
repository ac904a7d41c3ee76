INSERT INTO bookings.levels (station, read_at, level, delivery_id)
SELECT
    station,
    read_at,
    level,
    :delivery_id
FROM stage_levels;

INSERT INTO counted (loaded, stored)
SELECT
    count(*),
    count(*)
FROM stage_levels
