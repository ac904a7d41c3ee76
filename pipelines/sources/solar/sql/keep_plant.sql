-- Locks a plant against deletion until the transaction ends; returns why it cannot. Waits for
-- another session that is changing the plant, such as a forgotten psql.
SET LOCAL lock_timeout = '60s';

WITH plant AS MATERIALIZED (
    SELECT time_zone FROM solar.plants WHERE plant_id = :plant_id FOR KEY SHARE
)

SELECT
    :plant || ' was deleted, or its time zone changed, while it was being synced' AS problem,
    'solar.plants' AS place,
    'Nothing, if that was meant.' AS remedy
WHERE NOT EXISTS (SELECT FROM plant WHERE plant.time_zone = :zone)
