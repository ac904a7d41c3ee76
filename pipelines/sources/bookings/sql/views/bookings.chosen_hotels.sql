CREATE OR REPLACE FUNCTION bookings.chosen_hotels(hotel_id bigint)
RETURNS TABLE (known_id bigint, hotel_name text, time_zone text, day_begins time)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
#variable_conflict use_variable
BEGIN
    IF hotel_id IS NULL THEN
        RETURN QUERY
        SELECT counted.hotel_id, hotels.name, hotels.time_zone, hotels.day_begins
        FROM bookings.counted_hotels() AS counted
        LEFT JOIN bookings.hotels ON counted.hotel_id = hotels.hotel_id;
    ELSIF EXISTS (SELECT FROM bookings.events WHERE events.hotel_id = chosen_hotels.hotel_id) THEN
        RETURN QUERY
        SELECT chosen_hotels.hotel_id, hotels.name, hotels.time_zone, hotels.day_begins
        FROM (SELECT) AS here
        LEFT JOIN bookings.hotels ON hotels.hotel_id = chosen_hotels.hotel_id;
    ELSE
        RAISE WARNING 'hotel % has no events', hotel_id USING
            HINT = 'SELECT DISTINCT hotel_id FROM metrics.hotel_bookings_by_event_day ORDER BY 1';
    END IF;
END
$$;

COMMENT ON FUNCTION bookings.chosen_hotels(bigint) IS
'Returns a hotel with its name and days, or all hotels with events for NULL. If no event of the hotel
was ever loaded, it returns none, and a warning names the hotel.';
