-- The columns of the views and tables that analysts query, in order, with the source of each relation.
SELECT
    nspname AS schema,
    relname AS relation,
    attname AS name,
    format_type(atttypid, atttypmod) AS type,
    col_description(pg_class.oid, attnum) AS comment,
    obj_description(pg_class.oid, 'pg_class') AS about_relation,
    obj_description(pg_namespace.oid, 'pg_namespace') AS about_schema,
    coalesce(attnum = ANY(conkey), FALSE) AS is_key,
    catalog.source
FROM pg_class
INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
INNER JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_constraint ON conrelid = pg_class.oid AND contype = 'p'
LEFT JOIN ops.catalog ON catalog.kind = 'view' AND catalog.name = nspname || '.' || relname
WHERE nspname IN ('enriched', 'metrics') AND relkind IN ('r', 'p', 'v', 'm')
    AND relowner = 'isobar_owner'::regrole
ORDER BY nspname, relname, attnum
