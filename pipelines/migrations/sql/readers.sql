-- Which of these views read which.
SELECT DISTINCT
    refobjid AS read,
    ev_class AS reader
FROM pg_depend
INNER JOIN pg_rewrite ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid
WHERE refclassid = 'pg_class'::regclass
    AND ev_class = ANY(CAST(:views AS oid []))
    AND refobjid = ANY(CAST(:views AS oid []))
    AND ev_class <> refobjid
