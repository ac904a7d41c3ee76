CREATE OR REPLACE FUNCTION solar.rounded(value double precision)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN round(value::numeric, 3)::double precision;

COMMENT ON FUNCTION solar.rounded(double precision) IS
'Returns an energy (kWh) or irradiation (Wh/m²) rounded to 3 decimals, the precision of sums of
hours.';
