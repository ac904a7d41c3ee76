-- Bad records of deliveries of a feed that were rejected as a whole: the newest delivery first, its
-- records in their order.
SELECT
    name AS delivery,
    position,
    array_to_string(reasons, '; ') AS reasons,
    raw
FROM ops.unloaded_rejects
WHERE source = :feed
ORDER BY rejected_at DESC, name, reject_id
LIMIT :most
