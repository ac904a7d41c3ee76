-- The number of the first row that is not old: rows are numbered about as they come. There is no
-- index on their time, so what is kept for its youth is not read. One of the future has the time of a
-- clock that was wrong, and says nothing.
SELECT coalesce(min(id), 9223372036854775807) AS id
FROM (
    SELECT id
    FROM {table}
    WHERE {time} >= :before AND {time} < now() AT TIME ZONE 'UTC'
    ORDER BY id
    LIMIT 1
) AS young
