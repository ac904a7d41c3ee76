CREATE OR REPLACE FUNCTION weather.is_current(observed_at timestamptz)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN coalesce(observed_at >= now() - interval '6 hours', FALSE);

COMMENT ON FUNCTION weather.is_current(timestamptz) IS
'Returns whether weather of this time is the weather of now: at most six hours old. Older weather
explains no delay of today: places and parcels are at risk by current weather alone, and a place
whose weather is older is without weather. False if the time is null.
Example: SELECT place_id, weather.is_current(observed_at) FROM weather.observations;';
