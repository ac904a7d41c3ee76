-- Deliveries of a feed that lost records: rejected ones are neither in quarantine nor purged. That
-- the counts add up is a constraint of the table.
SELECT
    delivery_id, name, read_count, loaded_count, unchanged_count, rejected_count, purged_count,
    count(quarantine_id) AS in_quarantine
FROM ops.deliveries
LEFT JOIN ops.quarantine USING (delivery_id)
WHERE feed = :feed
GROUP BY delivery_id
HAVING rejected_count <> purged_count + count(quarantine_id)
ORDER BY delivery_id
