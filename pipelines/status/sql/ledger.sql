-- Each source with the load time of its last delivery and its number of quarantined records that
-- are not dismissed.
WITH rejected AS (
    SELECT
        delivery_id,
        count(*) AS records
    FROM ops.quarantine
    WHERE dismissed_at IS NULL
    GROUP BY delivery_id
)

SELECT
    deliveries.source,
    max(deliveries.loaded_at) AS last_delivery_at,
    coalesce(sum(rejected.records), 0)::bigint AS in_quarantine
FROM ops.deliveries
LEFT JOIN rejected USING (delivery_id)
GROUP BY deliveries.source
