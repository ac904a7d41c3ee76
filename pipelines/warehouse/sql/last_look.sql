-- Note what a look found, in the one row; a long text that is equal is not written again.
INSERT INTO ops.last_look AS noted (number, looked_at, problems, checks, facts, is_by_daemon)
VALUES (
    1,
    :looked_at,
    CAST(:problems AS jsonb),
    CAST(:checks AS jsonb),
    CAST(:facts AS jsonb),
    :is_by_daemon
)
ON CONFLICT (number) DO UPDATE SET
    looked_at = excluded.looked_at,
    problems = excluded.problems,
    checks = CASE WHEN noted.checks = excluded.checks THEN noted.checks ELSE excluded.checks END,
    facts = excluded.facts,
    is_by_daemon = excluded.is_by_daemon
