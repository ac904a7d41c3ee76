-- Of each feed: when its last delivery was loaded, and how many of its records are in quarantine, and not dismissed.
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
