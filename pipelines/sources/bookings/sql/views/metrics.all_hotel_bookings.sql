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
SELECT
    hotels.hotel_id,
    hotels.hotel_name,
    answer.*
FROM enriched.hotels
CROSS JOIN LATERAL metrics.hotel_bookings(
    hotels.hotel_id, $1, $2, $3, $4, $5
) AS answer
ORDER BY hotels.hotel_id, answer.period_start
$$;

COMMENT ON FUNCTION metrics.all_hotel_bookings(text, bigint, text, bigint, bigint) IS
'Returns metrics.hotel_bookings for every hotel with events. The arguments are the same, without the
hotel. hotel_name comes from bookings.hotels. To get one hotel, add WHERE hotel_id = 2607.
Example: SELECT * FROM metrics.all_hotel_bookings(period => ''week'', year => extract(year FROM current_date)::integer);';
