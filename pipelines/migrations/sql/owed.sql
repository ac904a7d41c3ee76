-- What was dropped and not given back yet: its definition if it is not there, else the statements
-- that make its rights and comments what they were. Roles and columns that are gone are left out.
SELECT
    source_parts.name,
    source_parts.source,
    object.identity IS NOT NULL AS is_there,
    owed.definition,
    ARRAY(
        SELECT
            format(
                'REVOKE %s ON %s %s FROM %s',
                privilege_type,
                grant_kind,
                object.identity,
                CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
            )
        FROM aclexplode(object.rights)
        WHERE grantee <> 'isobar_owner'::regrole
    ) AS revokes,
    ARRAY(
        SELECT
            ARRAY[
                grantor,
                format(
                    'GRANT %s%s ON %s %s TO %s%s',
                    privilege,
                    ' (' || quote_ident("column") || ')',
                    grant_kind,
                    object.identity,
                    coalesce(quote_ident(grantee), 'PUBLIC'),
                    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END
                )
            ]
        FROM ROWS FROM (
            jsonb_to_recordset(owed.rights)
            AS ("column" text, privilege text, grantee text, grantor text, is_grantable boolean)
        ) WITH ORDINALITY AS entry ("column", privilege, grantee, grantor, is_grantable, place)
        WHERE (grantee IS NULL OR to_regrole(quote_ident(grantee)) IS NOT NULL)
            AND ("column" IS NULL OR "column" IN (
                SELECT attname FROM pg_attribute WHERE attrelid = object.relation AND NOT attisdropped
            ))
        ORDER BY place
    ) AS grants,
    ARRAY(
        SELECT format('COMMENT ON %s %s IS %L', owed.kind, object.identity, owed.comment)
        WHERE owed.comment IS NOT NULL
        UNION ALL
        SELECT format('COMMENT ON COLUMN %s.%I IS %L', object.identity, attname, value)
        FROM jsonb_each_text(owed.comments)
        INNER JOIN pg_attribute ON attrelid = object.relation AND attname = key AND NOT attisdropped
    ) AS comments
FROM ops.source_parts
CROSS JOIN
    jsonb_to_recordset(source_parts.owed) AS owed (kind text, signature text, definition text, rights jsonb, comment text, comments jsonb)
CROSS JOIN LATERAL (SELECT CASE owed.kind WHEN 'FUNCTION' THEN 'FUNCTION' ELSE 'TABLE' END AS grant_kind) AS granted
LEFT JOIN LATERAL (
    SELECT
        pg_class.oid AS relation,
        format('%I.%I', relnamespace::regnamespace::text, relname) AS identity,
        relacl AS rights
    FROM pg_class
    WHERE owed.kind <> 'FUNCTION'
        AND format('%s.%s', relnamespace::regnamespace, relname) = source_parts.name
    UNION ALL
    -- With other arguments it is still the function of that name, unless there are several.
    SELECT
        NULL,
        identity,
        proacl
    FROM (
        SELECT
            pg_proc.oid::regprocedure::text AS identity,
            proacl,
            count(*) OVER () AS overloads,
            (pg_identify_object('pg_proc'::regclass, pg_proc.oid, 0)).identity AS signature
        FROM pg_proc
        WHERE owed.kind = 'FUNCTION'
            AND format('%s.%s', pronamespace::regnamespace, proname) = source_parts.name
    ) AS named
    WHERE overloads = 1 OR named.signature = owed.signature
) AS object ON TRUE
WHERE source_parts.owed IS NOT NULL
