-- Counts a failure of places. They are due again at the given time, or after 30 s, doubled with each
-- consecutive failure, at most `max_seconds`.
INSERT INTO weather.fetch_state AS stored (place_id, kind, consecutive_failures, retry_at, problem)
SELECT
    place_id,
    :kind,
    1,
    coalesce(CAST(:retry_at AS timestamptz), :now + make_interval(secs => least(30, :max_seconds))),
    :problem
FROM unnest(CAST(:place_ids AS bigint [])) AS place_id
ON CONFLICT (place_id, kind) DO UPDATE SET
    consecutive_failures = stored.consecutive_failures + 1,
    retry_at = coalesce(
        CAST(:retry_at AS timestamptz),
        :now + make_interval(
            secs => least(30 * power(2, least(stored.consecutive_failures, 20)), :max_seconds)
        )
    ),
    problem = excluded.problem
