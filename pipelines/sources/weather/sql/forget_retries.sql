-- A person requests what failed at once: the pauses after failures hold for sensors alone.
UPDATE weather.fetch_state
SET retry_at = NULL
WHERE kind = :kind AND retry_at IS NOT NULL
