-- Counts a failure of places: due again after a wait that doubles with each in a row.
INSERT INTO weather.fetch_state AS stored (place_id, kind, consecutive_failures, retry_at, problem)
SELECT place_id, :kind, 1, :now + make_interval(secs => :first_seconds), :problem
FROM unnest(CAST(:place_ids AS bigint [])) AS place_id
ON CONFLICT (place_id, kind) DO UPDATE SET
    consecutive_failures = stored.consecutive_failures + 1,
    retry_at = :now + make_interval(
        secs => least(:first_seconds * power(2, least(stored.consecutive_failures, 20)), :max_seconds)
    ),
    problem = excluded.problem
