-- Rejects staged records whose key is stored with other values; the stored one came first.
WITH gone AS (
    DELETE FROM {stage} AS staged
    USING {table} AS stored
    WHERE {is_key} AND ({staged_values}) IS DISTINCT FROM ({stored_values})
    RETURNING staged.record, staged.raw, {record_key} AS record_key
)

INSERT INTO rejected (record, raw, reason_code, reason, is_final, record_key)
SELECT DISTINCT ON (record)
    record,
    raw,
    'came_before',
    'the key came before with other content',
    TRUE,
    record_key
FROM gone
