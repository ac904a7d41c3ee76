-- The columns of each primary key, in its order.
SELECT
    namespaces.nspname || '.' || tables.relname AS table_name,
    array_agg(
        CAST(columns.attname AS text)
        ORDER BY array_position(CAST(keys.indkey AS int2 []), columns.attnum)
    ) AS column_names
FROM pg_catalog.pg_index AS keys
INNER JOIN pg_catalog.pg_class AS tables ON tables.oid = keys.indrelid
INNER JOIN pg_catalog.pg_namespace AS namespaces ON namespaces.oid = tables.relnamespace
INNER JOIN pg_catalog.pg_attribute AS columns
    ON columns.attrelid = tables.oid AND columns.attnum = ANY(keys.indkey)
WHERE keys.indisprimary AND namespaces.nspname NOT LIKE 'pg\_%'
GROUP BY namespaces.nspname, tables.relname
