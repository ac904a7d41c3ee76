-- Places in use whose coordinates are unknown, with the reason: those of the last run, and addresses
-- that cannot be looked up.
SELECT
    places.place_key,
    places.geocoding_status,
    coalesce(places.geocoding_problem, fetch_state.problem) AS geocoding_problem,
    places.geocoding_candidates,
    places.geocoded_at
FROM weather.places
LEFT JOIN weather.fetch_state
    ON places.place_id = fetch_state.place_id AND fetch_state.kind = 'geocoding'
WHERE places.is_observed AND places.latitude IS NULL
UNION ALL
SELECT place, NULL, problem, NULL, NULL
FROM enriched.weather_places
WHERE place_key IS NULL
ORDER BY place_key
