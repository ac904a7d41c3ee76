-- Whether a temporary table is the loader's: no trigger or rule of a source can be on it.
SELECT coalesce(
    (
        SELECT pg_catalog.pg_get_userbyid(relowner) = current_user
        FROM pg_catalog.pg_class
        WHERE oid = pg_catalog.to_regclass(:name)
    ),
    FALSE
)
