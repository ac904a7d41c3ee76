CREATE OR REPLACE FUNCTION bookings.check_nights(
    from_date date, to_date date, as_of timestamptz, most integer
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
DECLARE
    problem CONSTANT text := CASE
        WHEN as_of IS NULL OR NOT isfinite(as_of)
            THEN format(
                'as_of is %s: it must be an instant, such as now()', coalesce(as_of::text, 'NULL')
            )
        WHEN from_date IS NULL OR NOT isfinite(from_date)
            THEN format('from_date is %s: it must be a date', coalesce(from_date::text, 'NULL'))
        WHEN to_date IS NULL OR NOT isfinite(to_date)
            THEN format('to_date is %s: it must be a date', coalesce(to_date::text, 'NULL'))
        WHEN from_date > to_date
            THEN format('from_date is %s: it must not be after to_date, %s', from_date, to_date)
        WHEN to_date - from_date > most
            THEN format(
                'to_date is %s: it must be at most %s nights after from_date, %s', to_date, most, from_date
            )
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'For instance from_date => ''2022-08-01'', to_date => ''2022-09-01''';
    END IF;
    RETURN TRUE;
END
$$;

COMMENT ON FUNCTION bookings.check_nights(date, date, timestamptz, integer) IS
'Returns true for arguments of which a function can make nights of a hotel. Raises an error (22023)
that names any other argument.';
