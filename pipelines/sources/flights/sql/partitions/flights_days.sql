-- The days (UTC) of which a document is archived, and today, whose document can be fetched.
SELECT
    day::text AS key,
    bool_or(is_archived) AS is_filled
FROM (
    SELECT snapshot_on AS day, TRUE AS is_archived FROM flights.snapshots
    UNION ALL
    SELECT (CAST(:now AS timestamptz) AT TIME ZONE 'UTC')::date, FALSE
) AS days
GROUP BY day
ORDER BY day
