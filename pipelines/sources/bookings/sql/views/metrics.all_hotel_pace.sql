CREATE OR REPLACE FUNCTION metrics.all_hotel_pace(
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    as_of timestamptz DEFAULT now(),
    days bigint DEFAULT 90
)
RETURNS TABLE (
    hotel_id bigint,
    hotel_name text,
    days_before_arrival integer,
    on_the_books bigint,
    on_the_books_last_year bigint,
    why_missing text
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT * FROM metrics.hotel_pace(NULL, $1, $2, $3, $4)
$$;

COMMENT ON FUNCTION metrics.all_hotel_pace(date, date, timestamptz, bigint) IS
'Deprecated: query metrics.hotel_pace without hotel_id, which returns the same.
Example: SELECT * FROM metrics.all_hotel_pace(from_date => current_date, to_date => current_date + 14);';
