WITH noted AS (
    INSERT INTO changed (record) SELECT record FROM stage_levels
)

INSERT INTO bookings.levels (station, read_at, level, delivery_id)
SELECT
    station,
    read_at,
    level,
    :delivery_id
FROM stage_levels
