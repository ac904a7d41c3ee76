-- `isobar migrate` adds the views weather_requests of all other sources.
CREATE OR REPLACE VIEW weather.weather_requests AS
SELECT
    NULL::text AS source,
    NULL::text AS place_key,
    NULL::text AS country_code,
    NULL::text AS postcode,
    NULL::text AS city,
    NULL::double precision AS latitude,
    NULL::double precision AS longitude,
    NULL::timestamp with time zone AS hour_at,
    NULL::date AS day
WHERE FALSE
-- and of each source
;

COMMENT ON VIEW weather.weather_requests IS
'Places and hours for which sources request weather: the union of the views weather_requests of all
sources. A row with coordinates, or with a country and a postcode or city, defines its place
(weather.places); a row with neither requests hours of a place that other rows define. A row with
neither a place_key nor an hour is an address that cannot be looked up, as it names no known country or no place:
nothing is requested for it, and enriched.weather_places counts it among the places without weather.';
COMMENT ON COLUMN weather.weather_requests.source IS
'The source of the row, from its view weather_requests.';
COMMENT ON COLUMN weather.weather_requests.place_key IS
'Unique name of the place, as in weather.places; null if it cannot be looked up.';
COMMENT ON COLUMN weather.weather_requests.country_code IS
'ISO 3166-1 alpha-2; null if coordinates are given.';
COMMENT ON COLUMN weather.weather_requests.postcode IS 'Postcode; null if there is none.';
COMMENT ON COLUMN weather.weather_requests.city IS
'Name of the city or of a place with coordinates, or the address if it cannot be looked up; null if
there is none.';
COMMENT ON COLUMN weather.weather_requests.latitude IS
'Degrees north; null if the place is looked up by its address.';
COMMENT ON COLUMN weather.weather_requests.longitude IS
'Degrees east; null if the place is looked up by its address.';
COMMENT ON COLUMN weather.weather_requests.hour_at IS
'Start of the requested hour. Null: the current weather, kept fresh. An hour before 1940, for which
there is no data, only defines the place.';
COMMENT ON COLUMN weather.weather_requests.day IS
'Day for which the hour is requested, at most one day from the date of hour_at; queries filter by
it. Null for the current weather.';
