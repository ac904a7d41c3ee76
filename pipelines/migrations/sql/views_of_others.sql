-- Views of others that depend on Isobar's views, functions or tables, directly or by each other. Not
-- those that have more than view_of_others.sql knows: triggers, rules, defaults, or rights on single
-- columns.
WITH RECURSIVE ours (classid, oid) AS (
    SELECT 'pg_class'::regclass, pg_class.oid
    FROM pg_class
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
    WHERE nspowner = 'isobar_owner'::regrole AND relowner = 'isobar_owner'::regrole
    UNION ALL
    SELECT 'pg_proc'::regclass, pg_proc.oid
    FROM pg_proc
    INNER JOIN pg_namespace ON pronamespace = pg_namespace.oid
    WHERE nspowner = 'isobar_owner'::regrole AND proowner = 'isobar_owner'::regrole
),

dependent (classid, oid) AS (
    TABLE ours
    UNION
    SELECT 'pg_class'::regclass, ev_class
    FROM dependent
    INNER JOIN pg_depend ON refclassid = dependent.classid AND refobjid = dependent.oid
    INNER JOIN pg_rewrite
        ON pg_depend.classid = 'pg_rewrite'::regclass AND pg_depend.objid = pg_rewrite.oid
    WHERE ev_class <> dependent.oid OR dependent.classid <> 'pg_class'::regclass
)

SELECT
    views.oid,
    views.name,
    quote_ident(pg_get_userbyid(relowner)) AS owner
FROM (
    SELECT pg_class.*, format('%I.%I', nspname, relname) AS name
    FROM pg_class
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
) AS views
WHERE views.oid IN (SELECT oid FROM dependent WHERE classid = 'pg_class'::regclass)
    AND views.oid NOT IN (SELECT oid FROM ours WHERE classid = 'pg_class'::regclass)
    AND relkind = 'v'
    AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = views.oid)
    AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = views.oid AND rulename <> '_RETURN')
    AND NOT EXISTS (SELECT FROM pg_attrdef WHERE adrelid = views.oid)
    AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = views.oid AND attacl IS NOT NULL)
ORDER BY name
