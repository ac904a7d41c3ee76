-- Gives claimed places back after a failure: they may be asked for again later, the later the more
-- often they failed, but after so many seconds at the latest.
UPDATE weather.refreshes
SET
    claimed_until = NULL,
    claim = NULL,
    failures = failures + :failed,
    retry_at = coalesce(
        :retry_at,
        :now + make_interval(secs => least(30 * power(2, least(failures, 20)), :most_seconds))
    ),
    problem = :problem
WHERE claim = :claim AND place_id = ANY(:place_ids)
