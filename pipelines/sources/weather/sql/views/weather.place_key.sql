CREATE OR REPLACE FUNCTION weather.place_key(latitude double precision, longitude double precision)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN round(latitude::numeric, 4) || ',' || round(longitude::numeric, 4);

COMMENT ON FUNCTION weather.place_key(double precision, double precision) IS
'Returns the key of the place at these coordinates, in degrees, as in weather.places and in views
weather_requests: both with four decimals. Null if one of them is.
Example: SELECT weather.place_key(48.3829, -4.495);';
