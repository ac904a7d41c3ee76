-- Places that lack wanted hours which forecast or archive have, with why.
SELECT
    places.place_key,
    count(*) AS missing_hours,
    min(wanted_hours.hour_at) AS first_at,
    max(wanted_hours.hour_at) AS last_at,
    max(refreshes.problem) AS problem
FROM weather.wanted_hours
INNER JOIN weather.places USING (place_id)
LEFT JOIN weather.hourly USING (place_id, hour_at)
LEFT JOIN weather.refreshes
    ON places.place_id = refreshes.place_id AND refreshes.kind IN ('hourly', 'archive')
WHERE
    hourly.hour_at IS NULL
    AND wanted_hours.hour_at >= '1940-01-01T00:00Z'
    AND wanted_hours.hour_at < date_trunc('day', now(), 'UTC') + interval '16 days'
GROUP BY places.place_key
ORDER BY missing_hours DESC, places.place_key
LIMIT 1000
