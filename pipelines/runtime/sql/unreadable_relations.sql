-- Relations that the current user may not read, and everything that reads them: pg_dump would stop at
-- the first. Analysts may own some, in schemas of their own.
WITH RECURSIVE left_out (oid) AS (
    SELECT relations.oid
    FROM pg_class AS relations
    INNER JOIN pg_namespace AS schemas ON relations.relnamespace = schemas.oid
    WHERE
        relations.relkind IN ('r', 'p', 'm', 'f', 'S')
        AND schemas.nspname !~ '^(pg_|information_schema$)'
        AND NOT (
            has_schema_privilege(schemas.oid, 'USAGE')
            AND CASE
                WHEN relations.relkind = 'S' THEN has_sequence_privilege(relations.oid, 'SELECT')
                ELSE has_table_privilege(relations.oid, 'SELECT')
            END
        )
    UNION
    SELECT rules.ev_class
    FROM left_out
    INNER JOIN pg_depend AS uses
        ON
            left_out.oid = uses.refobjid
            AND uses.refclassid = 'pg_class'::regclass
            AND uses.classid = 'pg_rewrite'::regclass
    INNER JOIN pg_rewrite AS rules ON uses.objid = rules.oid
)

SELECT
    quote_ident(schemas.nspname) || '.' || quote_ident(relations.relname) AS name,
    '"' || replace(schemas.nspname, '"', '""') || '"."'
    || replace(relations.relname, '"', '""') || '"' AS pattern,
    pg_get_userbyid(relations.relowner) AS owner
FROM left_out
INNER JOIN pg_class AS relations USING (oid)
INNER JOIN pg_namespace AS schemas ON relations.relnamespace = schemas.oid
ORDER BY 1
