CREATE OR REPLACE FUNCTION bookings.counted_from(hotel_id bigint)
RETURNS date
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
BEGIN
    RETURN (
        SELECT min(counts.day)
        FROM metrics.hotel_bookings_by_event_day AS counts
        WHERE counts.hotel_id = counted_from.hotel_id
    );
END
$$;

COMMENT ON FUNCTION bookings.counted_from(bigint) IS
'Returns the day of the first counted event of the hotel; null if it has none.';
