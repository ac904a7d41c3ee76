-- Located places without weather for requested hours that the forecast or the archive covers, with
-- the reason. The day that entered the forecast range at midnight is requested with the next one.
SELECT
    places.place_key,
    lacking.missing_hours,
    lacking.first_at,
    lacking.last_at,
    (
        SELECT max(fetch_state.problem)
        FROM weather.fetch_state
        WHERE
            fetch_state.place_id = places.place_id
            AND fetch_state.kind IN ('forecast', 'archive')
    ) AS problem
FROM (
    SELECT place_id, array_agg(hour_at) AS hours
    FROM weather.wanted_hours
    WHERE
        hour_at >= '1940-01-01T00:00Z'
        AND hour_at < date_trunc('day', now(), 'UTC') + interval '15 days'
    GROUP BY place_id
) AS wanted
INNER JOIN weather.places ON wanted.place_id = places.place_id
CROSS JOIN LATERAL (
    SELECT
        count(*) AS missing_hours,
        min(missing.hour_at) AS first_at,
        max(missing.hour_at) AS last_at
    FROM (
        SELECT unnest(wanted.hours) AS hour_at
        EXCEPT
        SELECT hourly.hour_at
        FROM weather.hourly
        WHERE hourly.place_id = wanted.place_id AND hourly.hour_at = ANY(wanted.hours)
    ) AS missing
) AS lacking
WHERE lacking.missing_hours > 0 AND places.latitude IS NOT NULL
ORDER BY lacking.missing_hours DESC, places.place_key
