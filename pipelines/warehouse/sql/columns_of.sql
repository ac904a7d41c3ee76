-- Name, type and comment of each column of a table or view, in order.
SELECT
    attname AS name,
    format_type(atttypid, atttypmod) AS type,
    col_description(attrelid, attnum) AS comment
FROM pg_attribute
WHERE attrelid = to_regclass(:name)
    AND attnum > 0
    AND NOT attisdropped
ORDER BY attnum
