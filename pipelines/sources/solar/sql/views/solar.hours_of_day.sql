CREATE OR REPLACE FUNCTION solar.hours_of_day(day date, zone text)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN floor(
    extract(EPOCH FROM solar.day_begins(day + 1, zone) - solar.day_begins(day, zone)) / 3600
)::integer;

COMMENT ON FUNCTION solar.hours_of_day(date, text) IS
'Returns the number of whole hours of a day in a time zone: 24, or 23 or 25 when clocks change.';
