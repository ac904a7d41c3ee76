-- Views and functions with all of ours that use them or some tables, whoever uses most first: their
-- kind and signature for DROP, and the statements that give back the rights of others on them. A function may
-- use a view by the type of its rows.
WITH RECURSIVE found (classid, objid, depth) AS (
    SELECT
        tableoid,
        oid,
        0
    FROM pg_class
    WHERE relkind IN ('v', 'r') AND format('%s.%s', relnamespace::regnamespace, relname) = ANY(:names)
    UNION
    SELECT
        tableoid,
        oid,
        0
    FROM pg_proc
    WHERE format('%s.%s', pronamespace::regnamespace, proname) = ANY(:names)
    UNION
    SELECT
        CASE WHEN ev_class IS NULL THEN pg_depend.classid ELSE 'pg_class'::regclass END,
        coalesce(ev_class, pg_depend.objid),
        depth + 1
    FROM found
    INNER JOIN pg_depend ON refclassid = found.classid AND refobjid = found.objid
    LEFT JOIN pg_rewrite ON pg_depend.classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = pg_depend.objid
    WHERE pg_depend.deptype IN ('n', 'i') AND ev_class IS DISTINCT FROM found.objid
)

SELECT
    upper(object.type) AS kind,
    object.identity AS signature,
    sql_objects.name,
    ARRAY(
        SELECT
            format(
                'GRANT %s ON %s %s TO %s%s',
                privilege_type,
                CASE object.type WHEN 'view' THEN 'TABLE' ELSE object.type END,
                object.identity,
                CASE grantee WHEN 0 THEN 'PUBLIC' ELSE format('%s', grantee::regrole) END,
                CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END
            )
        FROM aclexplode(coalesce(pg_class.relacl, pg_proc.proacl))
        WHERE grantee = 0 OR starts_with(grantee::regrole::text, 'isobar_') IS FALSE
    ) AS grants
FROM found
CROSS JOIN pg_identify_object(found.classid, found.objid, 0) AS object
LEFT JOIN pg_class ON pg_class.oid = found.objid AND pg_class.tableoid = found.classid
LEFT JOIN pg_proc ON pg_proc.oid = found.objid AND pg_proc.tableoid = found.classid
INNER JOIN ops.sql_objects
    ON sql_objects.name = format('%s.%s', object.schema, coalesce(relname, proname))
WHERE object.type IN ('view', 'function')
GROUP BY object.type, object.identity, sql_objects.name, pg_class.relacl, pg_proc.proacl
ORDER BY max(depth) DESC
