-- Views of others that depend on Isobar's views, functions or tables, directly or by each other, with
-- the statements that drop them and create them again, as their owners. Not those that have more than
-- these statements know: triggers, rules, defaults, or rights on single columns.
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
    views.name,
    format(
        'SET LOCAL ROLE %I; DROP VIEW %s; SET LOCAL ROLE isobar_owner',
        pg_get_userbyid(relowner), views.name
    ) AS drop_it,
    concat_ws(
        E';\n',
        format('SET LOCAL ROLE %I', pg_get_userbyid(relowner)),
        format(
            'CREATE VIEW %s%s AS %s',
            views.name,
            ' WITH (' || array_to_string(reloptions, ', ') || ')',
            rtrim(pg_get_viewdef(views.oid), ';')
        ),
        (
            SELECT string_agg(
                format(
                    'GRANT %s ON %s TO %s%s',
                    privilege_type,
                    views.name,
                    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END
                ),
                E';\n'
            )
            FROM aclexplode(relacl)
            WHERE grantee <> relowner
        ),
        (
            SELECT string_agg(
                CASE objsubid
                    WHEN 0 THEN format('COMMENT ON VIEW %s IS %L', views.name, description)
                    ELSE format(
                        'COMMENT ON COLUMN %s.%I IS %L', views.name, attname, description
                    )
                END,
                E';\n'
            )
            FROM pg_description
            LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND attnum > 0
            WHERE objoid = views.oid AND classoid = 'pg_class'::regclass
        ),
        'SET LOCAL ROLE isobar_owner'
    ) AS create_it
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
