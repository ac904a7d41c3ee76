-- A manual request retries failed places at once: the backoff after failures applies only to
-- sensors.
UPDATE weather.fetch_state
SET retry_at = NULL
WHERE kind = :kind AND retry_at IS NOT NULL
