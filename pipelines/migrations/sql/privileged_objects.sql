-- What a plug-in has made that would run with the rights of others: as its owner, who owns the tables
-- of all sources, functions with SECURITY DEFINER, rules on tables, and triggers on tables that
-- foreign keys write; as another source, functions that a view calls which that source collects.
WITH RECURSIVE collected AS (
    SELECT to_regclass(one)::oid AS view FROM unnest(CAST(:collected AS text [])) AS one
    UNION
    SELECT pg_depend.refobjid
    FROM collected
    INNER JOIN pg_rewrite ON ev_class = collected.view
    INNER JOIN pg_depend
        ON classid = 'pg_rewrite'::regclass
        AND objid = pg_rewrite.oid
        AND refclassid = 'pg_class'::regclass
)

SELECT
    pg_proc.oid::regprocedure::text AS name,
    'a function with SECURITY DEFINER' AS kind
FROM pg_proc
WHERE prosecdef AND (
    pronamespace = to_regnamespace(:schema)
    OR format('%s.%s', pronamespace::regnamespace, proname) = ANY(:objects)
)
UNION ALL
SELECT
    format('%s on %s', rulename, ev_class::regclass) AS name,
    'a rule' AS kind
FROM pg_rewrite
INNER JOIN pg_class ON pg_class.oid = ev_class
WHERE relkind IN ('r', 'p', 'v') AND rulename <> '_RETURN' AND (
    relnamespace = to_regnamespace(:schema)
    OR format('%s.%s', relnamespace::regnamespace, relname) = ANY(:objects)
)
UNION ALL
SELECT
    format('%s on %s', tgname, tgrelid::regclass) AS name,
    'a trigger on a table whose foreign key cascades' AS kind
FROM pg_trigger
INNER JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = to_regnamespace(:schema) AND EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = tgrelid AND contype = 'f'
        AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
)
UNION ALL
SELECT
    refobjid::regprocedure::text AS name,
    'a function that a view calls for another source' AS kind
FROM collected
INNER JOIN pg_rewrite ON ev_class = collected.view
INNER JOIN pg_depend
    ON classid = 'pg_rewrite'::regclass
    AND objid = pg_rewrite.oid
    AND refclassid = 'pg_proc'::regclass
INNER JOIN pg_proc ON pg_proc.oid = refobjid
WHERE pronamespace = to_regnamespace(:schema)
    OR format('%s.%s', pronamespace::regnamespace, proname) = ANY(:objects)
ORDER BY kind, name
