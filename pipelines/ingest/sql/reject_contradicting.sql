-- Deletes staged rows whose key is stored with other values; the stored one came first.
DELETE FROM {stage} AS staged
USING {table} AS stored
WHERE {is_key} AND ({staged_values}) IS DISTINCT FROM ({stored_values})
RETURNING
    staged.record,
    staged.raw,
    {record_key} AS record_key,
    'came_before' AS reason_code,
    'the key came before with other content' AS reason,
    TRUE AS is_final
