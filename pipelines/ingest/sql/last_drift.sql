-- Drift of the deliveries of a feed that its last run loaded; only of the last one without a run id.
SELECT deliveries.drift
FROM ops.deliveries
INNER JOIN (
    SELECT delivery_id, run_id
    FROM ops.deliveries
    WHERE feed = :feed AND problem IS NULL
    ORDER BY loaded_at DESC
    LIMIT 1
) AS last
    ON deliveries.delivery_id = last.delivery_id OR deliveries.run_id = last.run_id
WHERE deliveries.feed = :feed AND deliveries.problem IS NULL
ORDER BY deliveries.delivery_id
