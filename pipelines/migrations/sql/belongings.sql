-- Relations, functions and schemas outside a source's own schema, each with a version number that
-- changes if this transaction changes its definition, comment, rights or rows. An index or a
-- sequence counts as part of its table. Schemas of personal logins are left out: a migration cannot
-- change them, and their owners may do so meanwhile.
WITH part (relation, version) AS (
    SELECT oid, xmin::text::bigint FROM pg_class
    UNION ALL
    SELECT attrelid, xmin::text::bigint FROM pg_attribute
    UNION ALL
    SELECT adrelid, xmin::text::bigint FROM pg_attrdef
    UNION ALL
    SELECT conrelid, xmin::text::bigint FROM pg_constraint
    UNION ALL
    SELECT tgrelid, xmin::text::bigint FROM pg_trigger
    UNION ALL
    SELECT ev_class, xmin::text::bigint FROM pg_rewrite
    UNION ALL
    SELECT polrelid, xmin::text::bigint FROM pg_policy
    UNION ALL
    SELECT objoid, xmin::text::bigint FROM pg_description WHERE classoid = 'pg_class'::regclass
    UNION ALL
    SELECT
        oid,
        pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
        + pg_stat_get_xact_tuples_deleted(oid)
    FROM pg_class WHERE relkind IN ('r', 'p')
),

relation AS (
    SELECT pg_class.oid, coalesce(indrelid, refobjid, pg_class.oid) AS belongs_to
    FROM pg_class
    LEFT JOIN pg_index ON indexrelid = pg_class.oid
    LEFT JOIN pg_depend ON relkind = 'S' AND objid = pg_class.oid AND classid = 'pg_class'::regclass
        AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
),

thing (namespace, name, version) AS (
    SELECT whole.relnamespace, whole.relname, part.version + part.relation::bigint
    FROM part
    INNER JOIN relation ON relation.oid = part.relation
    INNER JOIN pg_class AS whole ON whole.oid = belongs_to
    UNION ALL
    SELECT pronamespace, proname, xmin::text::bigint + oid::bigint FROM pg_proc
    UNION ALL
    SELECT oid, '', xmin::text::bigint + oid::bigint FROM pg_namespace
)

SELECT nspname AS schema, thing.name, sum(version)::bigint AS version
FROM thing INNER JOIN pg_namespace ON pg_namespace.oid = namespace
WHERE
    nspname !~ '^pg_'
    AND nspname NOT IN ('information_schema', :own)
    AND (nspowner = 'isobar_owner'::regrole OR nspname = 'public')
GROUP BY nspname, thing.name
UNION ALL
SELECT 'default privileges', '', coalesce(sum(xmin::text::bigint + oid::bigint), 0)::bigint
FROM pg_default_acl
WHERE defaclrole = 'isobar_owner'::regrole;
