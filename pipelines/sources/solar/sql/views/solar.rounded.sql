CREATE OR REPLACE FUNCTION solar.rounded(value double precision)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN round(value::numeric, 3)::double precision;

COMMENT ON FUNCTION solar.rounded(double precision) IS
'An energy (kWh) or irradiation (Wh/m²) with three decimals: what sums of hours mean.';
