-- Views and tables outside of the schemas :known that read, or refer to, those of a source.
WITH own AS (
    SELECT pg_class.oid
    FROM pg_class
    INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :schema OR format('%s.%s', nspname, relname) = ANY(CAST(:tables AS text []))
),

dependent (oid) AS (
    SELECT pg_rewrite.ev_class
    FROM pg_depend
    INNER JOIN pg_rewrite
        ON pg_depend.classid = 'pg_rewrite'::regclass
        AND pg_depend.objid = pg_rewrite.oid
    WHERE pg_depend.refclassid = 'pg_class'::regclass AND pg_depend.refobjid IN (TABLE own)
    UNION
    SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid IN (TABLE own)
)

SELECT DISTINCT format('%s.%s', nspname, relname) AS name
FROM dependent
INNER JOIN pg_class USING (oid)
INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname <> ALL(CAST(:known AS text []))
ORDER BY name
