-- Deletes the oldest quarantined records of a feed whose deliveries were loaded before an
-- instant. The ledger counts them as purged.
WITH doomed AS (
    SELECT quarantine.quarantine_id
    FROM ops.quarantine
    INNER JOIN ops.deliveries USING (delivery_id)
    WHERE deliveries.feed = :feed AND deliveries.loaded_at < :before
    ORDER BY quarantine.quarantine_id
    LIMIT :most
), gone AS (
    DELETE FROM ops.quarantine
    USING doomed
    WHERE quarantine.quarantine_id = doomed.quarantine_id
    RETURNING quarantine.delivery_id
), counted AS (
    SELECT
        delivery_id,
        count(*) AS records
    FROM gone
    GROUP BY delivery_id
), noted AS (
    UPDATE ops.deliveries
    SET purged_count = deliveries.purged_count + counted.records
    FROM counted
    WHERE deliveries.delivery_id = counted.delivery_id
)
SELECT count(*) AS removed
FROM gone
