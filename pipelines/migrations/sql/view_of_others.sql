-- The statements that create a view again, with its rights and comments, and without those that its
-- owner gives to each new view. No row for a view that names types or functions of others: a literal
-- of such a type, such as an array over a domain, executes code of its owner as soon as the view is
-- parsed. As this is one statement, the view that is looked at is the one that is written.
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
                'REVOKE ALL ON %s FROM %s',
                views.name,
                CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
            ),
            E';\n'
        )
        FROM (
            SELECT DISTINCT grantee
            FROM pg_default_acl
            CROSS JOIN LATERAL aclexplode(defaclacl)
            WHERE defaclrole = relowner
                AND defaclobjtype = 'r'
                AND defaclnamespace IN (0, relnamespace)
                AND grantee <> relowner
        ) AS given
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
    AND NOT EXISTS (
        SELECT FROM pg_rewrite
        INNER JOIN pg_depend ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid
        LEFT JOIN pg_type ON refclassid = 'pg_type'::regclass AND refobjid = pg_type.oid
        LEFT JOIN pg_proc ON refclassid = 'pg_proc'::regclass AND refobjid = pg_proc.oid
        LEFT JOIN pg_operator ON refclassid = 'pg_operator'::regclass AND refobjid = pg_operator.oid
        INNER JOIN pg_roles AS owners ON owners.oid = coalesce(typowner, proowner, oprowner)
        WHERE ev_class = views.oid AND NOT owners.rolsuper AND owners.rolname <> 'isobar_owner'
    )
