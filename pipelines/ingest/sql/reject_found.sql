-- Rejects the records of the staged rows that a query finds.
INSERT INTO rejected (record, raw, reason_code, reason, is_final, record_key)
SELECT DISTINCT ON (record)
    record,
    raw,
    'came_before',
    'the key came before with other content',
    TRUE,
    record_key
FROM ({found}) AS found
