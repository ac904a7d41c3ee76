SELECT nspname || '.' || relname AS name, obj_description(pg_class.oid, 'pg_class') AS about
FROM pg_class
INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE nspname IN ('enriched', 'metrics') AND relkind IN ('r', 'v')
    AND relowner IN (SELECT nspowner FROM pg_namespace WHERE nspname = 'metrics')
ORDER BY name;
