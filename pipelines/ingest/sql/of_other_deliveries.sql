-- Of quarantined records, those of other deliveries of the same feed: a statement of a source
-- resolves no records of others.
SELECT quarantine.quarantine_id
FROM ops.deliveries AS mine
INNER JOIN ops.deliveries AS others USING (feed)
INNER JOIN ops.quarantine ON others.delivery_id = quarantine.delivery_id
WHERE
    mine.delivery_id = :delivery_id
    AND others.delivery_id <> :delivery_id
    AND quarantine.quarantine_id = ANY(:quarantine_ids)
