-- The hour is subtracted in UTC and without a time zone: timestamptz - interval is not immutable,
-- and PostgreSQL would then call the function for each row instead of inlining its expression.
CREATE OR REPLACE FUNCTION solar.day_begins(day date, zone text)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN (
        (day::timestamp AT TIME ZONE zone AT TIME ZONE 'UTC' - interval '1 hour')
        AT TIME ZONE 'UTC' AT TIME ZONE zone
    )::date = day
        THEN (day::timestamp AT TIME ZONE zone AT TIME ZONE 'UTC' - interval '1 hour')
            AT TIME ZONE 'UTC'
    ELSE day::timestamp AT TIME ZONE zone
END;

COMMENT ON FUNCTION solar.day_begins(date, text) IS
'Returns the first instant of a day in a time zone. If clocks are set back across midnight, the day
has two midnights, and the first is returned.';
