-- Staged rows whose key came before with other values; the first one counts.
SELECT
    record,
    raw,
    record_key
FROM (
    SELECT
        record,
        raw,
        {record_key} AS record_key,
        ({values}) IS DISTINCT FROM ({first_values}) AS is_other
    FROM {stage} AS staged
    WINDOW same_key AS (PARTITION BY {keys} ORDER BY record)
) AS repeated
WHERE is_other
