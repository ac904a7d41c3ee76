CREATE OR REPLACE FUNCTION bookings.business_day(at timestamptz, time_zone text, day_begins time)
RETURNS date
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN time_zone IS NULL THEN (at AT TIME ZONE 'UTC')::date
    ELSE ((at AT TIME ZONE time_zone) - (day_begins - time '00:00'))::date
END;

COMMENT ON FUNCTION bookings.business_day(timestamptz, text, time) IS
'Returns the business day of a hotel to which an instant belongs: the date of its clock, of which the
hours before day_begins belong to the day before. Without a time zone, the date in UTC.';
