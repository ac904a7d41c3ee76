-- Objects of others that depend on Isobar's: views, functions, and tables with a column or foreign key.
WITH ours AS (
    SELECT 'pg_class'::regclass AS classid, relations.oid, nspname || '.' || relname AS name
    FROM pg_class AS relations
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
    WHERE nspowner = 'isobar_owner'::regrole AND relowner = 'isobar_owner'::regrole
    UNION ALL
    SELECT 'pg_type'::regclass, types.oid, nspname || '.' || relname
    FROM pg_class AS relations
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
    INNER JOIN pg_type AS rows ON rows.oid = reltype
    INNER JOIN pg_type AS types ON types.oid IN (rows.oid, rows.typarray)
    WHERE nspowner = 'isobar_owner'::regrole AND relowner = 'isobar_owner'::regrole
    UNION ALL
    SELECT 'pg_proc'::regclass, pg_proc.oid, nspname || '.' || proname
    FROM pg_proc
    INNER JOIN pg_namespace ON pronamespace = pg_namespace.oid
    WHERE nspowner = 'isobar_owner'::regrole AND proowner = 'isobar_owner'::regrole
),

dependent (classid, objid, owner, kind, name) AS (
    SELECT
        'pg_rewrite'::regclass,
        pg_rewrite.oid,
        relowner,
        CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule on' END,
        nspname || '.' || relname
    FROM pg_rewrite
    INNER JOIN pg_class ON ev_class = pg_class.oid
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
    UNION ALL
    SELECT 'pg_class'::regclass, pg_class.oid, relowner, 'table', nspname || '.' || relname
    FROM pg_class
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
    WHERE relkind IN ('r', 'p', 'f')
    UNION ALL
    SELECT 'pg_constraint'::regclass, pg_constraint.oid, relowner, 'table', nspname || '.' || relname
    FROM pg_constraint
    INNER JOIN pg_class ON conrelid = pg_class.oid
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
    UNION ALL
    SELECT 'pg_proc'::regclass, pg_proc.oid, proowner, 'function', nspname || '.' || proname
    FROM pg_proc
    INNER JOIN pg_namespace ON pronamespace = pg_namespace.oid
)

SELECT DISTINCT
    dependent.name,
    dependent.kind,
    pg_get_userbyid(dependent.owner) AS owner,
    ours.name AS uses
FROM ours
INNER JOIN pg_depend ON refclassid = ours.classid AND refobjid = ours.oid
INNER JOIN dependent ON dependent.classid = pg_depend.classid AND dependent.objid = pg_depend.objid
WHERE pg_get_userbyid(dependent.owner) !~ '^isobar_(owner$|source_)'
ORDER BY name, uses
