-- Of the corrected records, those of other deliveries of the same feed that were not sent once more:
-- a statement of a source resolves no records of others.
SELECT quarantine.quarantine_id
FROM corrected
INNER JOIN ops.quarantine USING (quarantine_id)
INNER JOIN ops.deliveries USING (delivery_id)
WHERE
    deliveries.feed = :feed
    AND deliveries.delivery_id <> :delivery_id
    AND quarantine.raw <> ALL(CAST(:again AS text []))
