CREATE OR REPLACE FUNCTION bookings.counted_hotels()
RETURNS TABLE (hotel_id bigint)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
#variable_conflict use_column
BEGIN
    IF ops.is_distributed('metrics.hotel_bookings_by_event_day') THEN
        RETURN QUERY SELECT DISTINCT hotel_id FROM metrics.hotel_bookings_by_event_day;
        RETURN;
    END IF;
    -- Find each hotel with one index lookup: DISTINCT reads every row.
    RETURN QUERY
    WITH RECURSIVE found AS (
        SELECT min(hotel_id) AS hotel_id FROM metrics.hotel_bookings_by_event_day
        UNION ALL
        SELECT (
            SELECT min(later.hotel_id) FROM metrics.hotel_bookings_by_event_day AS later
            WHERE later.hotel_id > found.hotel_id
        )
        FROM found
        WHERE found.hotel_id IS NOT NULL
    )

    SELECT hotel_id FROM found WHERE hotel_id IS NOT NULL;
END
$$;

COMMENT ON FUNCTION bookings.counted_hotels() IS
'Returns the hotels that have counts by event day.';
