CREATE OR REPLACE FUNCTION solar.ratio(part double precision, whole double precision)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN coalesce(whole, 0) < 1e-6 THEN NULL
    WHEN part < 1e-100 THEN 0
    ELSE round((part / whole)::numeric, 4)::double precision
END;

COMMENT ON FUNCTION solar.ratio(double precision, double precision) IS
'Returns part / whole, rounded to 4 decimals; null if whole is zero (less than 0.000001) or
unknown, and zero if part is negative. It never raises an error: a plain division would overflow or underflow for extreme
values.';
