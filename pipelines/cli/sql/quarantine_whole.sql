-- Deliveries that were rejected as a whole, with the number of their bad records that are kept.
SELECT
    feed,
    name,
    jsonb_array_length(bad_records) AS count
FROM ops.deliveries
WHERE bad_records IS NOT NULL
ORDER BY feed, delivery_id DESC
