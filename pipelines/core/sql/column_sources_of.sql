-- Columns of a view that some table or view it reads has under the same name.
SELECT DISTINCT
    source_schema.nspname AS schema,
    source.relname AS "table",
    source_column.attname AS name
FROM pg_rewrite
INNER JOIN pg_depend
    ON pg_depend.classid = 'pg_rewrite'::regclass
    AND pg_depend.objid = pg_rewrite.oid
    AND pg_depend.refclassid = 'pg_class'::regclass
    AND pg_depend.refobjsubid > 0
INNER JOIN pg_class AS source ON pg_depend.refobjid = source.oid
INNER JOIN pg_namespace AS source_schema ON source.relnamespace = source_schema.oid
INNER JOIN pg_attribute AS source_column
    ON source_column.attrelid = source.oid AND source_column.attnum = pg_depend.refobjsubid
INNER JOIN pg_attribute AS own_column
    ON own_column.attrelid = pg_rewrite.ev_class
    AND own_column.attname = source_column.attname
WHERE pg_rewrite.ev_class = to_regclass(:name)
    AND source.oid <> pg_rewrite.ev_class
ORDER BY 1, 2, 3
