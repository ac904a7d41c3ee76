-- Places in use whose coordinates are not known, with why.
SELECT
    place_key,
    geocoding_status,
    geocoding_problem,
    geocoded_at
FROM weather.places
WHERE is_observed AND latitude IS NULL
ORDER BY place_key
LIMIT 1000
