CREATE OR REPLACE FUNCTION ops.is_distributed(relation regclass)
RETURNS boolean
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
BEGIN
    IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
        RETURN FALSE;
    END IF;
    RETURN EXISTS (SELECT FROM pg_catalog.pg_dist_partition WHERE logicalrelid = relation);
END
$$;

COMMENT ON FUNCTION ops.is_distributed(regclass) IS
'Returns whether the rows of a table are distributed over the nodes of a Citus cluster.';
