CREATE OR REPLACE FUNCTION bookings.hotels_with_events()
RETURNS TABLE (hotel_id bigint)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
#variable_conflict use_column
BEGIN
    IF ops.is_distributed('bookings.events') THEN
        RETURN QUERY SELECT DISTINCT hotel_id FROM bookings.events;
        RETURN;
    END IF;
    -- Find each hotel with one index lookup: DISTINCT reads every row.
    RETURN QUERY
    WITH RECURSIVE found AS (
        SELECT min(hotel_id) AS hotel_id FROM bookings.events
        UNION ALL
        SELECT (
            SELECT min(later.hotel_id) FROM bookings.events AS later
            WHERE later.hotel_id > found.hotel_id
        )
        FROM found
        WHERE found.hotel_id IS NOT NULL
    )

    SELECT hotel_id FROM found WHERE hotel_id IS NOT NULL;
END
$$;

COMMENT ON FUNCTION bookings.hotels_with_events() IS
'Returns the hotels that have events.';
