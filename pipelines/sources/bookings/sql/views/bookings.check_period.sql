CREATE OR REPLACE FUNCTION bookings.check_period(period text)
RETURNS boolean
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
BEGIN
    IF period IS NULL OR period NOT IN ('day', 'week', 'month', 'year') THEN
        RAISE EXCEPTION '%', format('period is %L: it must be day, week, month or year', period) USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'For instance period => ''week''';
    END IF;
    RETURN TRUE;
END
$$;

COMMENT ON FUNCTION bookings.check_period(text) IS
'Returns true for day, week, month and year. Raises an error (22023) that names any other period.';
