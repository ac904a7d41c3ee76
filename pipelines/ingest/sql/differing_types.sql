-- Columns of a stage whose type is not that of the column of the same name of its table.
SELECT
    stored.attname AS name,
    pg_catalog.format_type(stored.atttypid, stored.atttypmod) AS stored_type,
    pg_catalog.format_type(staged.atttypid, staged.atttypmod) AS staged_type
FROM pg_catalog.pg_attribute AS staged
INNER JOIN pg_catalog.pg_attribute AS stored ON stored.attname = staged.attname
WHERE
    staged.attrelid = pg_catalog.to_regclass(:stage)
    AND stored.attrelid = pg_catalog.to_regclass(:table)
    AND staged.attnum > 0
    AND (staged.atttypid, staged.atttypmod) <> (stored.atttypid, stored.atttypmod)
ORDER BY stored.attnum
