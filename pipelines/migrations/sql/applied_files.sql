-- The applied files with their digests, or without one if their view or function is gone.
SELECT
    name,
    CASE
        WHEN
            name LIKE '%/%'
            OR to_regclass(name) IS NOT NULL
            OR EXISTS (
                SELECT FROM pg_proc
                WHERE
                    pronamespace = to_regnamespace(split_part(name, '.', 1))
                    AND proname = split_part(name, '.', 2)
            )
            THEN sha256
    END AS sha256
FROM ops.sql_objects
