CREATE OR REPLACE FUNCTION metrics.all_hotel_pickup(
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    as_of timestamptz DEFAULT now()
)
RETURNS TABLE (
    hotel_id bigint,
    hotel_name text,
    night_of_stay date,
    on_the_books bigint,
    pickup_1_day bigint,
    pickup_7_days bigint,
    pickup_30_days bigint
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT * FROM metrics.hotel_pickup(NULL, $1, $2, $3)
$$;

COMMENT ON FUNCTION metrics.all_hotel_pickup(date, date, timestamptz) IS
'Deprecated: query metrics.hotel_pickup without hotel_id, which returns the same.
Example: SELECT * FROM metrics.all_hotel_pickup(from_date => current_date, to_date => current_date + 14);';
