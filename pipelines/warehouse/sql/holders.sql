-- Sessions that hold an advisory lock, in words. Of sessions of other roles, PostgreSQL
-- shows the process and the user alone.
SELECT DISTINCT
    concat_ws(
        ' ',
        'process', pid,
        'of', coalesce(usename, 'an unknown user'),
        '(' || nullif(application_name, '') || ')',
        'since ' || to_char(xact_start, 'YYYY-MM-DD HH24:MI:SS TZ')
    ) AS holder
FROM pg_locks
INNER JOIN pg_stat_activity USING (pid)
WHERE
    locktype = 'advisory'
    AND granted
    AND mode LIKE :mode
    AND (classid::bigint << 32) | objid::bigint = hashtextextended(:name, 0)
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid <> pg_backend_pid()
ORDER BY holder
