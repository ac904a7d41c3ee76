-- Gives each column of these views that has no comment that of the column it comes from: the one
-- of the same name in what the view reads. If several have one, that of the view's own schema counts.
-- Executed until it returns nothing, as views read views.
WITH origin AS (
    SELECT
        view.oid,
        own.attname,
        own.attnum,
        (
            SELECT pg_description.description
            FROM pg_rewrite
            INNER JOIN pg_depend
                ON pg_depend.classid = 'pg_rewrite'::regclass
                AND pg_depend.objid = pg_rewrite.oid
                AND pg_depend.refclassid = 'pg_class'::regclass
                AND pg_depend.refobjsubid > 0
            INNER JOIN pg_attribute AS read
                ON read.attrelid = pg_depend.refobjid
                AND read.attnum = pg_depend.refobjsubid
                AND read.attname = own.attname
                AND read.atttypid = own.atttypid
            INNER JOIN pg_class AS relation ON relation.oid = pg_depend.refobjid
            INNER JOIN pg_description
                ON pg_description.classoid = 'pg_class'::regclass
                AND pg_description.objoid = pg_depend.refobjid
                AND pg_description.objsubid = pg_depend.refobjsubid
            WHERE pg_rewrite.ev_class = view.oid
            ORDER BY
                relation.relnamespace = view.relnamespace DESC,
                pg_depend.refobjid
            LIMIT 1
        ) AS comment
    FROM pg_class AS view
    INNER JOIN pg_namespace ON pg_namespace.oid = view.relnamespace
    INNER JOIN pg_attribute AS own ON own.attrelid = view.oid AND own.attnum > 0
    WHERE view.relkind = 'v'
        AND NOT own.attisdropped
        AND format('%s.%s', nspname, view.relname) = ANY(CAST(:names AS text []))
        AND col_description(view.oid, own.attnum) IS NULL
)

SELECT format('COMMENT ON COLUMN %s.%I IS %L', oid::regclass, attname, comment) AS statement
FROM origin
WHERE comment IS NOT NULL
