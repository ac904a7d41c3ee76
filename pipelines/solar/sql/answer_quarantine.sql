-- Takes out of quarantine what earlier answers said badly of hours that were told anew. In the counts of
-- the earlier answer it is unchanged then: a later one had the say.
WITH answered AS (
    DELETE FROM ops.quarantine
    USING ops.deliveries
    WHERE
        deliveries.delivery_id = quarantine.delivery_id
        AND deliveries.source = :source
        AND deliveries.delivery_id <> :delivery_id
        AND quarantine.record_key >= CAST(:from_key AS text [])
        AND quarantine.record_key < CAST(:to_key AS text [])
    RETURNING quarantine.delivery_id
), counted AS (
    SELECT
        delivery_id,
        count(*) AS records
    FROM answered
    GROUP BY delivery_id
)

UPDATE ops.deliveries
SET
    rejected_count = deliveries.rejected_count - counted.records,
    unchanged_count = deliveries.unchanged_count + counted.records
FROM counted
WHERE deliveries.delivery_id = counted.delivery_id
