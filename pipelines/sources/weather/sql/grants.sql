-- Operators correct the location of places, with weather.correct_place or by hand, and can have
-- places geocoded or requested again.
GRANT UPDATE (
    latitude, longitude, geocoding_status, geocoded_name, geocoded_at, geocoding_problem,
    geocoding_candidates
) ON weather.places TO isobar_operator;
GRANT DELETE ON weather.observations, weather.hourly, weather.fetch_state TO isobar_operator;
GRANT UPDATE (outcome) ON weather.api_requests TO isobar_operator;
