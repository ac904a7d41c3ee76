-- Relations that pg_dump cannot dump for the current user, and what cannot be restored without them:
-- those that it may not read, tables of which it sees some rows only, what owns their sequences, the
-- views that read them, and the tables that refer to them or inherit from them.
WITH RECURSIVE left_out (oid) AS (
    SELECT relations.oid
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
    SELECT dependents.oid
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
    schemas.nspname AS schema
FROM left_out
INNER JOIN pg_class AS relations USING (oid)
INNER JOIN pg_namespace AS schemas ON relations.relnamespace = schemas.oid
ORDER BY 1
