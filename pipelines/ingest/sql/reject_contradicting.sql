-- Staged rows whose key is stored with other values; the stored one came first.
SELECT
    staged.record,
    staged.raw,
    {record_key} AS record_key
FROM {stage} AS staged
INNER JOIN {table} AS stored ON {is_key}
WHERE ({staged_values}) IS DISTINCT FROM ({stored_values})
