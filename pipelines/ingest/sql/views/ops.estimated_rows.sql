CREATE OR REPLACE FUNCTION ops.estimated_rows(relation regclass)
RETURNS bigint
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
    IF ops.is_distributed(relation) THEN
        RETURN (
            SELECT sum(greatest(result::float, 0))
            FROM run_command_on_shards(
                relation, 'SELECT reltuples FROM pg_class WHERE oid = ''%s''::regclass'
            )
        );
    END IF;
    RETURN (SELECT reltuples FROM pg_class WHERE oid = relation);
END
$$;

COMMENT ON FUNCTION ops.estimated_rows(regclass) IS
'Returns the number of rows of a table by the statistics of the planner; -1 if there are none yet.';
