-- Days and stored hours of a plant by status, and its items in quarantine.
SELECT
    status,
    count(*) AS days,
    sum(hours_present) AS hours,
    (
        SELECT count(*)
        FROM ops.quarantine
        INNER JOIN ops.deliveries USING (delivery_id)
        WHERE
            quarantine.record_key >= ARRAY[CAST(:plant_id AS text)]
            AND quarantine.record_key < ARRAY[CAST(:plant_id AS text), '9999']
            AND deliveries.feed = 'solar'
    ) AS rejected
FROM solar.coverage
WHERE plant_id = CAST(:plant_id AS integer)
GROUP BY status
ORDER BY status
