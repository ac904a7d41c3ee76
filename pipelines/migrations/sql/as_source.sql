-- Runs a statement of the source {source} for the loader, with the rights of {role} alone: to read
-- everything, and to write the tables of the source. Within a function that runs as its owner,
-- PostgreSQL rejects whatever changes the role or ends the transaction, however deep it is nested.
-- Of a statement that returns no rows, the function returns how many it wrote.
GRANT CREATE ON SCHEMA as_source TO {role};
CREATE OR REPLACE FUNCTION {function}(statement text, returns_rows boolean)
RETURNS SETOF record
LANGUAGE plpgsql
SECURITY DEFINER
AS $function$
DECLARE
    written bigint;
BEGIN
    IF returns_rows THEN
        RETURN QUERY EXECUTE statement;
    ELSE
        EXECUTE statement;
        GET DIAGNOSTICS written = ROW_COUNT;
        RETURN QUERY SELECT written;
    END IF;
    -- What the loader executes next must not find functions of the source.
    SET LOCAL search_path TO DEFAULT;
END
$function$;
COMMENT ON FUNCTION {function}(text, boolean) IS
'Runs a statement of the source {source}, which may write the tables of this source alone. Only loads
call it.';
REVOKE ALL ON FUNCTION {function}(text, boolean)
FROM PUBLIC, isobar_loader, isobar_analyst, isobar_operator;
GRANT EXECUTE ON FUNCTION {function}(text, boolean) TO isobar_loader;
ALTER FUNCTION {function}(text, boolean) OWNER TO {role};
REVOKE CREATE ON SCHEMA as_source FROM {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role};
DO $$
DECLARE
    counter regclass;
BEGIN
    FOR counter IN
        SELECT pg_class.oid FROM pg_depend INNER JOIN pg_class ON pg_class.oid = objid
        WHERE relkind = 'S' AND refobjid = ANY(CAST('{{{tables}}}' AS regclass []))
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO {role}', counter);
    END LOOP;
END
$$;
