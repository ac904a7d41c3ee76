-- Views that were executed: those that work, and those that fail, with what PostgreSQL said.
WITH working AS (
    DELETE FROM ops.failing_views WHERE view_name = ANY(:works)
)

INSERT INTO ops.failing_views AS noted (view_name, source, problem, first_failed_at, tested_at)
SELECT
    view_name,
    split_part(view_name, '.', 1),
    problem,
    now(),
    now()
FROM unnest(cast(:fails AS text[]), cast(:problems AS text[])) AS tested (view_name, problem)
ON CONFLICT (view_name) DO UPDATE SET
    problem = excluded.problem,
    tested_at = excluded.tested_at
