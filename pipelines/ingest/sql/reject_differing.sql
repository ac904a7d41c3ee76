-- Rejects staged rows whose key came before with other values: in the delivery, or in the table if its
-- rows stay.
INSERT INTO rejected (record, raw, reason_code, reason, is_final, record_key)
SELECT DISTINCT ON (record)
    record, raw, 'came_before', 'the key came before with other content', TRUE, record_key
FROM (
    SELECT
        record, raw, {record_key} AS record_key,
        ({values}) IS DISTINCT FROM ({first_values}) AS is_other
    FROM (
        SELECT record, raw, {keys}, {values} FROM {stage}
        UNION ALL
        SELECT -1, '', {keys}, {values} FROM {table}
        WHERE :is_first AND ({keys}) IN (SELECT {keys} FROM {stage})
    ) AS staged
    WINDOW same_key AS (PARTITION BY {keys} ORDER BY record)
) AS compared
WHERE is_other
