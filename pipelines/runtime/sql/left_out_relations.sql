-- Relations that pg_dump cannot dump for the current user, or that are not safe to restore, and what
-- cannot be restored without them.
-- The first are those that it may not read, and tables of which it sees some rows only. The others are
-- tables of other people whose rows are checked or computed as they are restored, with the rights of
-- whoever restores: by constraints, generated columns, partition keys, or types of their own, all of
-- which may call functions.
-- To both belong what owns their sequences, the views that read them, and the tables that refer to
-- them or inherit from them.
WITH RECURSIVE trusted (oid) AS (
    SELECT oid FROM pg_roles WHERE rolsuper OR rolname IN ('isobar_owner', current_user)
),

left_out (oid, is_code) AS (
    SELECT relations.oid, TRUE
    FROM pg_class AS relations
    WHERE
        relations.relkind IN ('r', 'p')
        AND relations.relowner NOT IN (TABLE trusted)
        AND (
            EXISTS (
                SELECT FROM pg_constraint
                WHERE conrelid = relations.oid AND contype = 'c'
            )
            OR EXISTS (
                SELECT FROM pg_partitioned_table
                WHERE partrelid = relations.oid AND partexprs IS NOT NULL
            )
            OR EXISTS (
                SELECT FROM pg_attribute
                INNER JOIN pg_type AS types ON atttypid = types.oid
                LEFT JOIN pg_type AS elements ON types.typelem = elements.oid
                WHERE
                    attrelid = relations.oid
                    AND attnum > 0
                    AND NOT attisdropped
                    AND (
                        attgenerated <> ''
                        OR (types.typowner NOT IN (TABLE trusted) AND coalesce(elements.typtype, types.typtype) <> 'e')
                    )
            )
        )
    UNION
    SELECT relations.oid, FALSE
    FROM pg_class AS relations
    INNER JOIN pg_namespace AS schemas ON relations.relnamespace = schemas.oid
    WHERE
        relations.relkind IN ('r', 'p', 'm', 'f', 'S')
        AND schemas.nspname !~ '^(pg_|information_schema$)'
        AND (
            NOT has_schema_privilege(schemas.oid, 'USAGE')
            OR NOT CASE
                WHEN relations.relkind = 'S' THEN has_sequence_privilege(relations.oid, 'SELECT')
                ELSE has_table_privilege(relations.oid, 'SELECT')
            END
            OR row_security_active(relations.oid)
        )
    UNION
    SELECT dependents.oid, left_out.is_code
    FROM left_out
    CROSS JOIN LATERAL (
        SELECT rules.ev_class
        FROM pg_depend AS uses
        INNER JOIN pg_rewrite AS rules ON uses.objid = rules.oid
        WHERE
            uses.refobjid = left_out.oid
            AND uses.refclassid = 'pg_class'::regclass
            AND uses.classid = 'pg_rewrite'::regclass
        UNION ALL
        SELECT owned.refobjid
        FROM pg_depend AS owned
        INNER JOIN pg_class AS sequences ON owned.objid = sequences.oid AND sequences.relkind = 'S'
        WHERE
            owned.objid = left_out.oid
            AND owned.classid = 'pg_class'::regclass
            AND owned.refclassid = 'pg_class'::regclass
            AND owned.deptype IN ('a', 'i')
        UNION ALL
        SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid = left_out.oid
        UNION ALL
        SELECT inhrelid FROM pg_inherits WHERE inhparent = left_out.oid
    ) AS dependents (oid)
)

SELECT
    quote_ident(schemas.nspname) || '.' || quote_ident(relations.relname) AS name,
    '"' || replace(schemas.nspname, '"', '""') || '"."'
    || replace(relations.relname, '"', '""') || '"' AS pattern,
    pg_get_userbyid(relations.relowner) AS owner,
    schemas.nspname AS schema,
    bool_and(left_out.is_code) AS is_code
FROM left_out
INNER JOIN pg_class AS relations USING (oid)
INNER JOIN pg_namespace AS schemas ON relations.relnamespace = schemas.oid
GROUP BY relations.oid, relations.relname, relations.relowner, schemas.nspname
ORDER BY 1
