-- Takes out of quarantine what earlier deliveries sent badly and this one sends well. In the earlier
-- delivery's counts it is unchanged then: a later one had the say.
WITH answered AS (
    DELETE FROM ops.quarantine
    USING ops.deliveries, stage_lines
    WHERE
        deliveries.delivery_id = quarantine.delivery_id
        AND deliveries.source = :source
        AND deliveries.delivery_id <> :delivery_id
        AND quarantine.record_key
        = ARRAY[stage_lines.tracking_number, stage_lines.carrier, stage_lines.sku]
    RETURNING quarantine.delivery_id, quarantine.quarantine_id
), counted AS (
    SELECT
        delivery_id,
        count(DISTINCT quarantine_id) AS records
    FROM answered
    GROUP BY delivery_id
)

UPDATE ops.deliveries
SET
    rejected_count = deliveries.rejected_count - counted.records,
    unchanged_count = deliveries.unchanged_count + counted.records
FROM counted
WHERE deliveries.delivery_id = counted.delivery_id
