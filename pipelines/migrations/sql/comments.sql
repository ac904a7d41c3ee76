-- The statements that set the declared comments on schemas, tables and their columns where the
-- database has others. A declared column that the database does not have yet is skipped. COMMENT
-- waits for loads and maintenance of its table, so tables with the right comments are not touched.
SELECT
    format(
        'COMMENT ON %s IS %L',
        CASE
            WHEN declared.table_name IS NULL THEN format('SCHEMA %I', nspname)
            WHEN column_name IS NULL THEN format('TABLE %I.%I', nspname, relname)
            ELSE format('COLUMN %I.%I.%I', nspname, relname, attname)
        END,
        declared.comment
    ) AS statement
FROM jsonb_to_recordset(CAST(:declared AS jsonb)) AS declared (
    schema_name text, table_name text, column_name text, comment text
)
INNER JOIN pg_namespace ON nspname = schema_name
LEFT JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = declared.table_name
LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = column_name
WHERE
    (declared.table_name IS NULL OR relname IS NOT NULL)
    AND (column_name IS NULL OR attname IS NOT NULL)
    AND declared.comment IS DISTINCT FROM CASE
        WHEN declared.table_name IS NULL THEN obj_description(pg_namespace.oid, 'pg_namespace')
        WHEN column_name IS NULL THEN obj_description(pg_class.oid, 'pg_class')
        ELSE col_description(pg_class.oid, attnum)
    END
