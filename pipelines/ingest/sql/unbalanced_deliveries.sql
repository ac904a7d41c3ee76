-- Deliveries of a feed that lost records: rejected ones are neither in quarantine nor purged. That
-- the counts add up is a constraint of the table.
SELECT
    deliveries.delivery_id,
    deliveries.name,
    deliveries.read_count,
    deliveries.loaded_count,
    deliveries.unchanged_count,
    deliveries.rejected_count,
    deliveries.purged_count,
    count(quarantine.quarantine_id) AS in_quarantine
FROM ops.deliveries
LEFT JOIN ops.quarantine USING (delivery_id)
WHERE deliveries.feed = :feed
GROUP BY deliveries.delivery_id
HAVING deliveries.rejected_count <> deliveries.purged_count + count(quarantine.quarantine_id)
ORDER BY deliveries.delivery_id
