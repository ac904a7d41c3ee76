-- Gives each column of these views that has no comment that of the column it comes from: the one
-- of the same name in what the view reads. If several have one, that of the view's own schema counts.
-- Executed until it returns nothing, as views read views.
SELECT DISTINCT ON (view.oid, own.attnum)
    format('COMMENT ON COLUMN %s.%I IS %L', view.oid::regclass, own.attname, description) AS statement
FROM pg_class AS view
INNER JOIN pg_attribute AS own ON own.attrelid = view.oid AND own.attnum > 0 AND NOT own.attisdropped
INNER JOIN pg_rewrite ON pg_rewrite.ev_class = view.oid
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
WHERE view.relkind = 'v'
    AND format('%s.%s', view.relnamespace::regnamespace, view.relname) = ANY(CAST(:names AS text []))
    AND col_description(view.oid, own.attnum) IS NULL
ORDER BY view.oid, own.attnum, relation.relnamespace = view.relnamespace DESC, pg_depend.refobjid
