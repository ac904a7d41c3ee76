CREATE OR REPLACE FUNCTION solar.ratio(part double precision, whole double precision)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN whole < 1e-6 THEN NULL
    WHEN part < 1e-100 THEN 0
    ELSE round((part / whole)::numeric, 4)::double precision
END;

COMMENT ON FUNCTION solar.ratio(double precision, double precision) IS
'A value by another one of which it is a part, with four decimals: null where that is nothing, which
is less than 0.000001, or not known. No two values make it fail, as a division of the least or the
largest ones would.';
