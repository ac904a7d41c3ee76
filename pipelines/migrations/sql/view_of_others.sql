-- The statements that create a view again, with its rights and comments.
SELECT concat_ws(
    E';\n',
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
    )
) AS statements
FROM (
    SELECT pg_class.*, format('%I.%I', nspname, relname) AS name
    FROM pg_class
    INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
) AS views
WHERE views.oid = :oid
