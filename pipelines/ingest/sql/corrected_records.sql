-- Quarantined records of earlier deliveries of the same feed that this one sends correctly: a staged
-- record has their key. Staged records are read only if there are such. Where the time of files counts,
-- an older file corrects nothing of a newer one.
WITH bad AS MATERIALIZED (
    SELECT quarantine.quarantine_id, quarantine.record_key
    FROM ops.deliveries
    INNER JOIN ops.quarantine USING (delivery_id)
    WHERE
        deliveries.feed = :feed
        AND deliveries.delivery_id <> :delivery_id
        AND deliveries.rejected_count > 0
        AND quarantine.record_key IS NOT NULL
        AND quarantine.dismissed_at IS NULL
        AND (:with_final OR NOT quarantine.is_final)
        AND (
            CAST(:news_at AS timestamptz) IS NULL
            OR coalesce(deliveries.modified_at, deliveries.loaded_at) <= :news_at
        )
)

INSERT INTO corrected (quarantine_id)
SELECT quarantine_id
FROM bad
WHERE EXISTS (SELECT FROM bad) AND record_key IN ({staged})
