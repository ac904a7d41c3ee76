-- Deliveries that more rows of {table} carry than the ledger says they loaded, unknown ones included.
SELECT delivery_id, name, '{table}' AS stored_in, row_count, loaded_count
FROM (SELECT delivery_id, count(*) AS row_count FROM {table} GROUP BY delivery_id) AS carried
LEFT JOIN ops.deliveries USING (delivery_id)
WHERE delivery_id <> 0 AND (loaded_count IS NULL OR row_count > loaded_count)
ORDER BY delivery_id
