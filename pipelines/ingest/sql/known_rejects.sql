-- Texts that are already in quarantine from another delivery of the same feed with the same
-- columns.
SELECT DISTINCT quarantine.raw
FROM ops.deliveries AS mine
INNER JOIN ops.deliveries AS others
    ON
        mine.feed = others.feed
        AND mine.delivery_id <> others.delivery_id
        AND mine.header IS NOT DISTINCT FROM others.header
INNER JOIN ops.quarantine ON others.delivery_id = quarantine.delivery_id
WHERE mine.delivery_id = :delivery_id AND md5(quarantine.raw) = ANY(:digests)
