-- Work: linear, 70 buffers: SELECT * FROM bookings.hotels_in('bookings.events')
CREATE OR REPLACE FUNCTION bookings.hotels_in(of_table text)
RETURNS TABLE (hotel_id bigint)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
-- No argument is a regclass: Citus would need the table on each node to create a view that calls it.
DECLARE
    found_in CONSTANT regclass := of_table;
BEGIN
    IF ops.is_distributed(found_in) THEN
        RETURN QUERY EXECUTE format('SELECT DISTINCT hotel_id FROM %s', found_in);
        RETURN;
    END IF;
    -- Find each hotel with one index lookup: DISTINCT reads every row.
    RETURN QUERY EXECUTE format(
        'WITH RECURSIVE found AS (
            SELECT min(hotel_id) AS hotel_id FROM %1$s
            UNION ALL
            SELECT (SELECT min(hotel_id) FROM %1$s WHERE hotel_id > found.hotel_id)
            FROM found
            WHERE found.hotel_id IS NOT NULL
        )
        SELECT hotel_id FROM found WHERE hotel_id IS NOT NULL',
        found_in
    );
END
$$;

COMMENT ON FUNCTION bookings.hotels_in(text) IS
'Returns the hotels that a table has rows of.';
