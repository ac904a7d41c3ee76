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
SELECT
    hotels.hotel_id,
    hotels.hotel_name,
    answer.*
FROM enriched.hotels
CROSS JOIN LATERAL metrics.hotel_pickup(hotels.hotel_id, $1, $2, $3) AS answer
ORDER BY hotels.hotel_id, answer.night_of_stay
$$;

COMMENT ON FUNCTION metrics.all_hotel_pickup(date, date, timestamptz) IS
'Returns metrics.hotel_pickup for every hotel with events. The arguments are the same, without the
hotel. hotel_name comes from bookings.hotels.
Example: SELECT * FROM metrics.all_hotel_pickup(from_date => current_date, to_date => current_date + 14);';
