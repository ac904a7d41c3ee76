CREATE OR REPLACE FUNCTION bookings.has_events(hotel_id bigint)
RETURNS boolean
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
#variable_conflict use_variable
BEGIN
    IF EXISTS (SELECT FROM bookings.events WHERE events.hotel_id = has_events.hotel_id) THEN
        RETURN TRUE;
    END IF;
    RAISE WARNING 'hotel % has no events', hotel_id USING
        HINT = 'SELECT DISTINCT hotel_id FROM metrics.hotel_bookings_by_event_day ORDER BY 1';
    RETURN FALSE;
END
$$;

COMMENT ON FUNCTION bookings.has_events(bigint) IS
'Returns whether any event of the hotel was ever loaded. If not, a warning names the hotel.';
