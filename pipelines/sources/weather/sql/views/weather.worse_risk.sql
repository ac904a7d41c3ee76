CREATE OR REPLACE FUNCTION weather.worse_risk(one text, other text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN 'storm' IN (one, other) THEN 'storm'
    WHEN 'freezing_rain' IN (one, other) THEN 'freezing_rain'
    WHEN 'snow' IN (one, other) THEN 'snow'
    WHEN 'heat' IN (one, other) THEN 'heat'
    WHEN one = 'none' AND other = 'none' THEN 'none'
END;

COMMENT ON FUNCTION weather.worse_risk(text, text) IS
'Returns the worse of two risks of delays (weather.delay_risk): storm, freezing_rain, snow, heat or
none. Null if one is unknown and the other is no risk.';
