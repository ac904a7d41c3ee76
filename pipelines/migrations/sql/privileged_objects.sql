-- What a plug-in has made that would run with the rights of others. As the owner of the tables of all
-- sources: functions with SECURITY DEFINER, rules, triggers on tables that foreign keys write, and
-- functions and operators in indexes, constraints, generated columns and statistics. As whoever
-- reads: row security policies, the constraints of domains, and functions and operators in a view
-- that another source collects.
WITH RECURSIVE own AS (
    SELECT oid
    FROM pg_class
    WHERE relnamespace = to_regnamespace(:schema)
        OR format('%s.%s', relnamespace::regnamespace, relname) = ANY(:objects)
),

collected AS (
    SELECT to_regclass(one)::oid AS oid FROM unnest(CAST(:collected AS text [])) AS one
    UNION
    SELECT pg_depend.refobjid
    FROM collected
    INNER JOIN pg_rewrite ON ev_class = collected.oid
    INNER JOIN pg_depend
        ON classid = 'pg_rewrite'::regclass
        AND objid = pg_rewrite.oid
        AND refclassid = 'pg_class'::regclass
),

attached (classid, objid, kind) AS (
    SELECT 'pg_class'::regclass, indexrelid, 'an index' FROM pg_index WHERE indrelid IN (TABLE own)
    UNION ALL
    SELECT 'pg_constraint'::regclass, oid, 'a constraint'
    FROM pg_constraint WHERE conrelid IN (TABLE own)
    UNION ALL
    SELECT 'pg_attrdef'::regclass, oid, 'a default or generated column'
    FROM pg_attrdef WHERE adrelid IN (TABLE own)
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, oid, 'statistics'
    FROM pg_statistic_ext WHERE stxrelid IN (TABLE own)
    UNION ALL
    SELECT 'pg_rewrite'::regclass, oid, 'a view for another source'
    FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM collected) AND ev_class IN (TABLE own)
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
SELECT format('%s on %s', rulename, ev_class::regclass), 'a rule'
FROM pg_rewrite
WHERE ev_class IN (TABLE own) AND rulename <> '_RETURN'
UNION ALL
SELECT format('%s on %s', polname, polrelid::regclass), 'a row security policy'
FROM pg_policy
WHERE polrelid IN (TABLE own)
UNION ALL
SELECT format('%s on %s', tgname, tgrelid::regclass), 'a trigger on a table whose foreign key cascades'
FROM pg_trigger
WHERE NOT tgisinternal AND tgrelid IN (TABLE own) AND EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = tgrelid AND contype = 'f'
        AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
)
UNION ALL
SELECT oid::regtype::text, 'a domain'
FROM pg_type
WHERE typtype = 'd' AND typowner = 'isobar_owner'::regrole
UNION ALL
SELECT called.name, 'called by ' || attached.kind
FROM attached
INNER JOIN pg_depend USING (classid, objid)
INNER JOIN (
    SELECT 'pg_proc'::regclass AS refclassid, oid AS refobjid, oid::regprocedure::text AS name
    FROM pg_proc
    WHERE pronamespace <> 'pg_catalog'::regnamespace
        -- Those of Isobar's own sources are trusted: a plug-in cannot change or add one there.
        AND pronamespace::regnamespace::text <> ALL(CAST(:trusted AS text []))
    UNION ALL
    SELECT 'pg_operator'::regclass, oid, oid::regoperator::text
    FROM pg_operator WHERE oprnamespace <> 'pg_catalog'::regnamespace
) AS called USING (refclassid, refobjid)
ORDER BY kind, name
