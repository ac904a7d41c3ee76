CREATE OR REPLACE FUNCTION metrics.all_hotel_bookings(
    period text DEFAULT NULL,
    year bigint DEFAULT NULL,
    axis text DEFAULT 'event',
    month bigint DEFAULT NULL,
    day bigint DEFAULT NULL
)
RETURNS TABLE (
    hotel_id bigint,
    hotel_name text,
    period_start date,
    bookings bigint,
    cancellations bigint,
    net_bookings bigint
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT * FROM metrics.hotel_bookings(NULL, $1, $2, $3, $4, $5)
$$;

COMMENT ON FUNCTION metrics.all_hotel_bookings(text, bigint, text, bigint, bigint) IS
'Deprecated: query metrics.hotel_bookings without hotel_id, which returns the same.
Example: SELECT * FROM metrics.all_hotel_bookings(period => ''week'', year => extract(year FROM current_date)::integer);';
