-- Rejects staged records whose key came before with other values; the first one counts.
WITH repeated AS (
    SELECT
        record,
        ({values}) IS DISTINCT FROM ({first_values}) AS is_other
    FROM {stage}
    WINDOW same_key AS (PARTITION BY {keys} ORDER BY record)
), gone AS (
    DELETE FROM {stage} AS staged
    USING repeated
    WHERE staged.record = repeated.record AND repeated.is_other
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
