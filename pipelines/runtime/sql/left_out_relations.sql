-- Relations that pg_dump cannot dump for the current user, or that are not safe to restore, and what
-- cannot be restored without them.
-- The first are those that it may not read, and tables of which it sees some rows only. The others are
-- tables of other people whose rows are checked or computed as they are restored, with the rights of
-- whoever restores: by constraints, generated columns, partition keys, or types of their own, all of
-- which may call functions.
-- So are all relations of a schema that is left out, those that use a type, function or operator of
-- it, and those given as too deep or too large, which cannot be written.
-- To all belong what owns their sequences, the views that read them, and the tables that refer to
-- them or inherit from them.
WITH RECURSIVE trusted (oid) AS (
    SELECT oid FROM pg_roles WHERE rolsuper OR rolname IN ('isobar_owner', current_user)
),

parts (classid, oid) AS (
    SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace = ANY(%(schemas)s::oid [])
    UNION ALL
    SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = ANY(%(schemas)s::oid [])
    UNION ALL
    SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = ANY(%(schemas)s::oid [])
    UNION ALL
    SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE opcnamespace = ANY(%(schemas)s::oid [])
    UNION ALL
    SELECT 'pg_collation'::regclass, oid FROM pg_collation WHERE collnamespace = ANY(%(schemas)s::oid [])
    UNION ALL
    SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE cfgnamespace = ANY(%(schemas)s::oid [])
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE dictnamespace = ANY(%(schemas)s::oid [])
),

left_out (oid, why) AS (
    SELECT oid, 'too deep' FROM pg_class WHERE oid = ANY(%(deep)s::oid [])
    UNION
    SELECT oid, 'too large' FROM pg_class WHERE oid = ANY(%(large)s::oid [])
    UNION
    SELECT oid, 'code' FROM pg_class
    WHERE relnamespace = ANY(%(schemas)s::oid []) AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION
    SELECT coalesce(indrelid, users.oid), 'code'
    FROM parts
    INNER JOIN pg_depend ON refclassid = parts.classid AND refobjid = parts.oid
    LEFT JOIN pg_attrdef AS defaults
        ON pg_depend.classid = 'pg_attrdef'::regclass AND objid = defaults.oid
    LEFT JOIN pg_rewrite AS rules
        ON pg_depend.classid = 'pg_rewrite'::regclass AND objid = rules.oid
    LEFT JOIN pg_constraint AS constraints
        ON pg_depend.classid = 'pg_constraint'::regclass AND objid = constraints.oid
    LEFT JOIN pg_trigger AS triggers
        ON pg_depend.classid = 'pg_trigger'::regclass AND objid = triggers.oid
    LEFT JOIN pg_policy AS policies
        ON pg_depend.classid = 'pg_policy'::regclass AND objid = policies.oid
    INNER JOIN pg_class AS users ON users.oid = coalesce(
        adrelid, ev_class, conrelid, tgrelid, polrelid,
        CASE WHEN pg_depend.classid = 'pg_class'::regclass THEN objid END
    )
    LEFT JOIN pg_index ON indexrelid = users.oid
    WHERE users.relkind <> 'c'
    UNION
    SELECT relations.oid, 'code'
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
    SELECT relations.oid, 'unreadable'
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
    SELECT dependents.oid, left_out.why
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
    max(left_out.why) AS why
FROM left_out
INNER JOIN pg_class AS relations USING (oid)
INNER JOIN pg_namespace AS schemas ON relations.relnamespace = schemas.oid
GROUP BY relations.oid, relations.relname, relations.relowner, schemas.nspname
ORDER BY 1
