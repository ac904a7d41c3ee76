-- Deletes the oldest requests that were sent before an instant.
WITH deleted AS (
    DELETE FROM weather.api_requests
    WHERE entry_id IN (
        SELECT entry_id FROM weather.api_requests
        WHERE requested_at < :before
        ORDER BY requested_at
        LIMIT :most
    )
    RETURNING entry_id
)

SELECT count(*) FROM deleted
