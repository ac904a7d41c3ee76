CREATE OR REPLACE VIEW weather.wanted_hours AS
SELECT
    places.place_id,
    weather_requests.hour_at,
    weather_requests.day
FROM weather.weather_requests
INNER JOIN weather.places ON weather_requests.place_key = places.place_key
WHERE weather_requests.hour_at >= '1940-01-01T00:00Z';

COMMENT ON VIEW weather.wanted_hours IS
'The hours at which sources want the weather, from weather.weather_requests, without those before
1940, of which there is no weather. Answers are of whole UTC days, and all of their hours are kept. An
hour that several want is there several times.';
COMMENT ON COLUMN weather.wanted_hours.place_id IS 'The place (weather.places).';
COMMENT ON COLUMN weather.wanted_hours.hour_at IS 'The hour, by its beginning.';
COMMENT ON COLUMN weather.wanted_hours.day IS
'The day for which it is wanted, a day from that of the hour at most: a plant''s is in its own
zone. Filter by it where there is much: it is quicker than by hour_at.';
