-- Of a database of 4.0 or 3.0, which did not note it: which source has which view, function and feed.
-- A migration says this of each source that is installed. One that is away, perhaps since this very
-- update made .venv anew, has the views of its schema, those that read its tables, and the functions
-- that name its schema. What reads tables of several is Isobar's own only if it reads no others.
CREATE TABLE IF NOT EXISTS ops.source_parts (
    name text PRIMARY KEY,
    source text NOT NULL,
    owed jsonb
);
WITH RECURSIVE schemas AS (
    SELECT oid, nspname::text AS source FROM pg_namespace
    WHERE nspowner = 'isobar_owner'::regrole
        AND nspname NOT IN ('ops', 'enriched', 'metrics', 'public')
), found (relation, source) AS (
    SELECT pg_class.oid, source
    FROM pg_class INNER JOIN schemas ON relnamespace = schemas.oid
    WHERE relkind IN ('r', 'p', 'v')
    UNION
    SELECT ev_class, source
    FROM found
    INNER JOIN pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = relation
        AND classid = 'pg_rewrite'::regclass
    INNER JOIN pg_rewrite ON pg_rewrite.oid = objid
    INNER JOIN pg_class ON pg_class.oid = ev_class
    WHERE relnamespace::regnamespace::text IN ('enriched', 'metrics')
), named (name, source) AS (
    SELECT format('%s.%s', relnamespace::regnamespace, relname), source
    FROM found INNER JOIN pg_class ON pg_class.oid = relation
    UNION
    SELECT format('%s.%s', pronamespace::regnamespace, proname), source
    FROM pg_proc
    INNER JOIN schemas ON pronamespace = schemas.oid
        OR pronamespace::regnamespace::text IN ('enriched', 'metrics')
        AND prokind = 'f'
        AND pg_get_functiondef(pg_proc.oid) ~ ('\m' || source || '\.')
)
INSERT INTO ops.source_parts (name, source)
SELECT DISTINCT ON (name) name, source
FROM named
WHERE name IN (SELECT sql_objects.name FROM ops.sql_objects)
ORDER BY name, source = ANY({own}), source
ON CONFLICT DO NOTHING;
DO $$
BEGIN
    INSERT INTO ops.source_parts (name, source)
    SELECT 'feed ' || name, source FROM ops.catalog WHERE kind = 'feed'
    ON CONFLICT DO NOTHING;
EXCEPTION WHEN undefined_table OR undefined_column THEN
    NULL; -- 3.0 had no such view
END
$$;
