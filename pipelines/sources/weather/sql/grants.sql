-- Operators correct where places are, by weather.correct_place or by hand, and have them looked up or
-- requested again.
GRANT UPDATE (
    latitude,
    longitude,
    geocoding_status,
    geocoded_name,
    geocoded_at,
    geocoding_problem,
    geocoding_candidates
) ON weather.places TO isobar_operator;
GRANT DELETE ON weather.observations, weather.hourly, weather.fetch_state TO isobar_operator;
GRANT UPDATE (outcome) ON weather.api_requests TO isobar_operator;
