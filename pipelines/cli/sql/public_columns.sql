-- The columns of the views and tables that analysts query, in order, with the source of each relation.
-- A column belongs to the key if it has the name of one of the primary key of a table that the
-- relation reads or is, all of whose columns are there; of several tables, that with the longest key.
WITH RECURSIVE reads (oid, read) AS (
    SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
    UNION
    SELECT reads.oid, refobjid
    FROM reads
    INNER JOIN pg_rewrite ON ev_class = reads.read
    INNER JOIN pg_depend
        ON classid = 'pg_rewrite'::regclass
        AND objid = pg_rewrite.oid
        AND refclassid = 'pg_class'::regclass
        AND refobjid <> ev_class
),

keys AS (
    SELECT DISTINCT ON (reads.oid)
        reads.oid,
        (
            SELECT array_agg(attname ORDER BY attname)
            FROM pg_attribute
            WHERE attrelid = reads.read AND attnum = ANY(conkey)
        ) AS columns
    FROM reads
    INNER JOIN pg_constraint ON conrelid = reads.read AND contype = 'p'
    WHERE NOT EXISTS (
        SELECT FROM pg_attribute AS wanted
        WHERE wanted.attrelid = reads.read AND wanted.attnum = ANY(conkey) AND NOT EXISTS (
            SELECT FROM pg_attribute AS found
            WHERE found.attrelid = reads.oid AND found.attname = wanted.attname AND found.attnum > 0
        )
    )
    ORDER BY reads.oid, cardinality(conkey) DESC, reads.read
)

SELECT
    nspname AS schema,
    relname AS relation,
    attname AS name,
    format_type(atttypid, atttypmod) AS type,
    col_description(pg_class.oid, attnum) AS comment,
    obj_description(pg_class.oid, 'pg_class') AS about_relation,
    obj_description(pg_namespace.oid, 'pg_namespace') AS about_schema,
    catalog.source IS NOT NULL AND coalesce(attname = ANY(keys.columns), FALSE) AS is_key,
    catalog.source
FROM pg_class
INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
INNER JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN keys ON keys.oid = pg_class.oid
LEFT JOIN ops.catalog ON catalog.kind = 'view' AND catalog.name = nspname || '.' || relname
WHERE nspname IN ('enriched', 'metrics') AND relkind IN ('r', 'p', 'v', 'm')
    AND relowner = 'isobar_owner'::regrole
ORDER BY nspname, relname, attnum
