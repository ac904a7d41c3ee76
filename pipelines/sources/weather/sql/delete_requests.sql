-- Deletes the oldest calls of the weather's providers that were made before a moment.
WITH gone AS (
    DELETE FROM weather.calls
    WHERE call_id IN (
        SELECT call_id FROM weather.calls WHERE called_at < :before ORDER BY called_at LIMIT :most
    )
    RETURNING call_id
)
SELECT count(*) AS removed
FROM gone
