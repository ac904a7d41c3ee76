-- Deliveries that were rejected as a whole, with the number of their bad records that are kept.
SELECT
    source AS feed,
    name,
    count(*) AS count
FROM ops.unloaded_rejects
GROUP BY source, name
ORDER BY source, max(rejected_at) DESC, name
