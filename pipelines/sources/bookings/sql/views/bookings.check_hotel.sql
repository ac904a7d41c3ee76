-- Work: flat, 20 buffers: SELECT bookings.check_hotel(1000001)
CREATE OR REPLACE FUNCTION bookings.check_hotel(hotel_id bigint)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
#variable_conflict use_variable
BEGIN
    IF NOT EXISTS (SELECT FROM bookings.events WHERE events.hotel_id = check_hotel.hotel_id) THEN
        RAISE EXCEPTION 'hotel % has no events', hotel_id USING
            ERRCODE = 'no_data_found',
            HINT = 'SELECT DISTINCT hotel_id FROM metrics.hotel_bookings_by_event_day ORDER BY 1';
    END IF;
END
$$;

COMMENT ON FUNCTION bookings.check_hotel(bigint) IS
'Raises an error (P0002) that names the hotel if no event of the hotel was ever loaded.';
