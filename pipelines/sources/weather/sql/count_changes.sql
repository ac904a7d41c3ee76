-- A number that differs after each change to a table that decides what is due: those of the weather,
-- and those that the requests of sources read. PostgreSQL counts a change some seconds after its
-- transaction. It does not count TRUNCATE, nor changes to partitions and foreign tables.
WITH RECURSIVE read (oid) AS (
    SELECT pg_class.oid
    FROM pg_class
    WHERE pg_class.relnamespace = 'weather'::regnamespace AND pg_class.relkind IN ('r', 'v')
    UNION
    SELECT pg_depend.refobjid
    FROM read
    INNER JOIN pg_rewrite ON read.oid = pg_rewrite.ev_class
    INNER JOIN pg_depend
        ON pg_rewrite.oid = pg_depend.objid
        AND pg_depend.classid = 'pg_rewrite'::regclass
        AND pg_depend.refclassid = 'pg_class'::regclass
)

SELECT
    coalesce(
        sum(
            pg_stat_get_tuples_inserted(oid)
            + pg_stat_get_tuples_updated(oid)
            + pg_stat_get_tuples_deleted(oid)
        ),
        0
    )::bigint
FROM read
