-- Deliveries that more rows of {table} carry than the ledger says they loaded, unknown ones included.
WITH carried AS (
    SELECT
        delivery_id,
        count(*) AS row_count
    FROM {table}
    GROUP BY delivery_id
)

SELECT
    carried.delivery_id,
    deliveries.name,
    '{table}' AS stored_in,
    carried.row_count,
    deliveries.loaded_count
FROM carried
LEFT JOIN ops.deliveries USING (delivery_id)
WHERE deliveries.loaded_count IS NULL OR carried.row_count > deliveries.loaded_count
ORDER BY carried.delivery_id
