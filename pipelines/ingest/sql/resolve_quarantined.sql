-- Removes quarantined records that a later delivery resolved. Their own delivery then counts them
-- as unchanged.
WITH gone AS (
    DELETE FROM ops.quarantine
    WHERE quarantine_id = ANY(:quarantine_ids)
    RETURNING delivery_id
), counted AS (
    SELECT delivery_id, count(*) AS records
    FROM gone
    GROUP BY delivery_id
)

UPDATE ops.deliveries
SET
    rejected_count = deliveries.rejected_count - counted.records,
    unchanged_count = deliveries.unchanged_count + counted.records
FROM counted
WHERE deliveries.delivery_id = counted.delivery_id
