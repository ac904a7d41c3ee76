-- Time zones in which the clocks of PostgreSQL differ from those of Python, which converted the
-- times of legs on offer, and zones that PostgreSQL does not know: one of the two has outdated
-- rules. Local times that do not exist are left out.
SELECT
    ends.time_zone,
    count(*) AS times,
    min(ends.local_time) AS first_local_time,
    min(CASE WHEN known.name IS NOT NULL THEN ends.instant AT TIME ZONE ends.time_zone END)
        AS first_in_postgresql
FROM (
    SELECT departure_time_zone AS time_zone, departure_local AS local_time, departure_at AS instant
    FROM flights.legs
    WHERE seen_until_at IS NULL
    UNION ALL
    SELECT arrival_time_zone, arrival_local, arrival_at
    FROM flights.legs
    WHERE seen_until_at IS NULL
) AS ends
LEFT JOIN pg_timezone_names AS known ON known.name = ends.time_zone
WHERE CASE  -- which fixes the order: an unknown zone is an error
    WHEN known.name IS NULL THEN ends.time_zone IS NOT NULL
    ELSE ends.instant AT TIME ZONE ends.time_zone <> ends.local_time
        AND ends.local_time AT TIME ZONE ends.time_zone AT TIME ZONE ends.time_zone
        = ends.local_time
END
GROUP BY ends.time_zone
ORDER BY ends.time_zone
