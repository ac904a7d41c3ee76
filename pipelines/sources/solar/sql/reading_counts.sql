-- Number of stored hours and quarantined items of each plant, or of one.
SELECT
    plants.plant_id,
    (
        SELECT coalesce(sum(days.hours_present), 0)
        FROM solar.days
        WHERE days.plant_id = plants.plant_id
    ) AS hours,
    (
        SELECT count(*)
        FROM ops.quarantine
        WHERE
            quarantine.record_key >= ARRAY[plants.plant_id::text]
            AND quarantine.record_key < ARRAY[plants.plant_id::text, '9999']
            AND EXISTS (
                SELECT FROM ops.deliveries
                WHERE deliveries.delivery_id = quarantine.delivery_id AND deliveries.feed = 'solar'
            )
    ) AS rejected
FROM solar.plants
WHERE CAST(:plant_id AS integer) IS NULL OR plants.plant_id = :plant_id
