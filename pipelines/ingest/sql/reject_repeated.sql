-- Deletes staged rows whose key came before with other values; the first one counts.
WITH repeated AS (
    SELECT
        record,
        ({values}) IS DISTINCT FROM ({first_values}) AS is_other
    FROM {stage}
    WINDOW same_key AS (PARTITION BY {keys} ORDER BY record)
)

DELETE FROM {stage} AS staged
USING repeated
WHERE staged.record = repeated.record AND repeated.is_other
RETURNING
    staged.record,
    staged.raw,
    {record_key} AS record_key,
    'came_before' AS reason_code,
    'the key came before with other content' AS reason,
    TRUE AS is_final
