SELECT
    nspname || '.' || proname AS name,
    obj_description(pg_proc.oid, 'pg_proc') AS about,
    ARRAY(
        SELECT jsonb_build_object(
            'name', coalesce(proargnames[place], ''),
            'type', format_type(proargtypes[place - 1], NULL),
            'default', pg_get_function_arg_default(pg_proc.oid, place)
        )
        FROM generate_series(1, pronargs) AS place
    ) AS arguments
FROM pg_proc
INNER JOIN pg_namespace ON pronamespace = pg_namespace.oid
WHERE nspname IN ('enriched', 'metrics') AND proretset
    AND proowner IN (SELECT nspowner FROM pg_namespace WHERE nspname = 'metrics')
    AND has_function_privilege(pg_proc.oid, 'EXECUTE')
ORDER BY name;
