-- Views and functions of Isobar with all of Isobar's that use them or some tables, whoever uses most
-- first: kind and signature for DROP, and what is given back once each is made again: rights of all
-- but the owner, in the order in which they were granted, comments, and its definition. A comment
-- that a column has from the column it shows is not one of its own. A function may use a view by the
-- type of its rows.
WITH RECURSIVE found (classid, objid, depth) AS (
    SELECT
        tableoid,
        oid,
        0
    FROM pg_class
    WHERE relkind IN ('v', 'r', 'p') AND format('%s.%s', relnamespace::regnamespace, relname) = ANY(:names)
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
    format('%s.%s', object.schema, coalesce(relname, proname)) AS name,
    jsonb_build_object(
        'kind', upper(object.type),
        'signature', object.identity,
        'definition', CASE object.type
            WHEN 'view' THEN format(
                'CREATE VIEW %s%s AS %s',
                object.identity,
                ' WITH (' || array_to_string(reloptions, ', ') || ')',
                pg_get_viewdef(pg_class.oid)
            )
            WHEN 'function' THEN pg_get_functiondef(pg_proc.oid)
        END,
        'rights', coalesce((
            SELECT
                jsonb_agg(
                    jsonb_build_object(
                        'column', attname,
                        'privilege', privilege_type,
                        'grantee', CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END,
                        'grantor', pg_get_userbyid(grantor),
                        'is_grantable', is_grantable
                    )
                    ORDER BY attnum, place
                )
            FROM (
                SELECT
                    0 AS attnum,
                    NULL AS attname,
                    coalesce(relacl, proacl, acldefault(CAST(CASE WHEN proowner IS NULL THEN 'r' ELSE 'f' END AS "char"), owner)) AS rights
                UNION ALL
                SELECT
                    attnum,
                    attname,
                    attacl
                FROM pg_attribute
                WHERE attrelid = pg_class.oid AND attacl IS NOT NULL AND NOT attisdropped
            ) AS of_part
            CROSS JOIN aclexplode(rights)
            WITH ORDINALITY AS entry (grantor, grantee, privilege_type, is_grantable, place)
            WHERE grantee <> owner
        ), '[]'),
        'comment', obj_description(found.objid, found.classid::regclass::text::name),
        'comments', coalesce((
            SELECT jsonb_object_agg(attname, own.description)
            FROM pg_description AS own
            INNER JOIN pg_attribute ON attrelid = own.objoid AND attnum = own.objsubid
            WHERE own.classoid = 'pg_class'::regclass AND own.objoid = pg_class.oid AND own.objsubid > 0
                AND NOT EXISTS (
                    SELECT FROM pg_rewrite
                    INNER JOIN pg_depend
                        ON pg_depend.classid = 'pg_rewrite'::regclass
                        AND pg_depend.objid = pg_rewrite.oid
                        AND pg_depend.refclassid = 'pg_class'::regclass
                    INNER JOIN pg_attribute AS read
                        ON read.attrelid = pg_depend.refobjid AND read.attnum = pg_depend.refobjsubid
                    INNER JOIN pg_description AS of_read
                        ON of_read.classoid = 'pg_class'::regclass
                        AND of_read.objoid = pg_depend.refobjid
                        AND of_read.objsubid = pg_depend.refobjsubid
                    WHERE pg_rewrite.ev_class = pg_class.oid
                        AND read.attname = pg_attribute.attname
                        AND of_read.description = own.description
                )
        ), '{}')
    ) AS owed
FROM (
    SELECT
        classid,
        objid,
        max(depth) AS depth
    FROM found
    GROUP BY classid, objid
) AS found
CROSS JOIN pg_identify_object(found.classid, found.objid, 0) AS object
LEFT JOIN pg_class ON pg_class.oid = found.objid AND pg_class.tableoid = found.classid
LEFT JOIN pg_proc ON pg_proc.oid = found.objid AND pg_proc.tableoid = found.classid
CROSS JOIN coalesce(relowner, proowner) AS owner
LEFT JOIN ops.sql_objects
    ON sql_objects.name = format('%s.%s', object.schema, coalesce(relname, proname))
WHERE owner = 'isobar_owner'::regrole
    AND (object.type IN ('view', 'function') AND sql_objects.name IS NOT NULL
        OR object.type = 'table' AND depth = 0)
ORDER BY found.depth DESC
