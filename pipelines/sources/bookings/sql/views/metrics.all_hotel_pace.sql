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
SELECT
    hotels.hotel_id,
    hotels.hotel_name,
    answer.*
FROM enriched.hotels
CROSS JOIN LATERAL metrics.hotel_pace(hotels.hotel_id, $1, $2, $3, $4) AS answer
ORDER BY hotels.hotel_id, answer.days_before_arrival DESC
$$;

COMMENT ON FUNCTION metrics.all_hotel_pace(date, date, timestamptz, bigint) IS
'Returns metrics.hotel_pace for every hotel with events. The arguments are the same, without the
hotel. hotel_name comes from bookings.hotels.
Example: SELECT * FROM metrics.all_hotel_pace(from_date => current_date, to_date => current_date + 14);';
