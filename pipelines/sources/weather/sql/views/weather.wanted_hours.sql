CREATE OR REPLACE VIEW weather.wanted_hours AS
SELECT places.place_id, weather_requests.hour_at, weather_requests.day
FROM weather.weather_requests
INNER JOIN weather.places ON weather_requests.place_key = places.place_key
WHERE weather_requests.hour_at >= '1940-01-01T00:00Z';

COMMENT ON VIEW weather.wanted_hours IS
'Hours for which sources request weather, from weather.weather_requests. Hours before 1940 are left
out, as there is no weather for them. Responses cover whole UTC days, and all of their hours are
stored. An hour that several sources request has several rows.';
COMMENT ON COLUMN weather.wanted_hours.place_id IS 'The place (weather.places).';
COMMENT ON COLUMN weather.wanted_hours.hour_at IS 'Start of the hour.';
COMMENT ON COLUMN weather.wanted_hours.day IS
'Day for which the hour is requested, at most one day from the UTC date of hour_at: the days of a
plant are in its own time zone. On large data, a filter on day is faster than one on hour_at.';
