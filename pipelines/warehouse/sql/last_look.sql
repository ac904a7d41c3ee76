-- Note what a look found, in the one row.
INSERT INTO ops.last_look (number, looked_at, problems, is_by_daemon)
VALUES (
    1,
    :looked_at,
    CAST(:problems AS jsonb),
    :is_by_daemon
)
ON CONFLICT (number) DO UPDATE SET
    looked_at = excluded.looked_at,
    problems = excluded.problems,
    is_by_daemon = excluded.is_by_daemon
