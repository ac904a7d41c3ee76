-- Makes days with quarantined items due for a retry.
UPDATE solar.days
SET retry_at = now()
FROM (
    SELECT DISTINCT
        plants.plant_id,
        (
            CAST(rtrim(quarantine.record_key[2], '?') AS timestamptz) AT TIME ZONE plants.time_zone
        )::date AS day
    FROM ops.quarantine
    INNER JOIN ops.deliveries USING (delivery_id)
    INNER JOIN solar.plants ON plants.plant_id::text = quarantine.record_key[1]
    WHERE deliveries.feed = 'solar'
) AS spoiled
WHERE days.plant_id = spoiled.plant_id AND days.day = spoiled.day
