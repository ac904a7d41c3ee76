-- Columns of a table whose type executes SQL of somebody's own when a value is read, such as a domain.
SELECT attname
FROM pg_catalog.pg_attribute
INNER JOIN pg_catalog.pg_type AS whole ON whole.oid = atttypid
LEFT JOIN pg_catalog.pg_type AS element ON element.oid = whole.typelem AND whole.typcategory = 'A'
WHERE
    attrelid = pg_catalog.to_regclass(:name)
    AND attnum > 0
    AND coalesce(element.typtype, whole.typtype) NOT IN ('b', 'e')
    AND whole.typnamespace <> CAST('pg_catalog' AS pg_catalog.regnamespace)
