CREATE OR REPLACE FUNCTION metrics.hotel_on_the_books(
    hotel_id bigint DEFAULT NULL,
    as_of timestamptz DEFAULT NULL,
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL
)
RETURNS TABLE (night_of_stay date, on_the_books bigint)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 365
AS $$
#variable_conflict use_column
BEGIN
    PERFORM bookings.check_nights(hotel_id, from_date, to_date, as_of, 3700);
    IF NOT bookings.has_events(hotel_id) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        hotel_on_the_books.from_date + nights.number,
        coalesce(sum(changes.change), 0)
    FROM
        generate_series(0, hotel_on_the_books.to_date - hotel_on_the_books.from_date - 1)
            AS nights (number)
    LEFT JOIN enriched.reservation_changes AS changes
        ON changes.night_of_stay = hotel_on_the_books.from_date + nights.number
        AND changes.hotel_id = hotel_on_the_books.hotel_id
        AND changes.night_of_stay >= hotel_on_the_books.from_date
        AND changes.night_of_stay < hotel_on_the_books.to_date
        AND changes.changed_at <= hotel_on_the_books.as_of
    GROUP BY nights.number
    ORDER BY nights.number;
END
$$;

COMMENT ON FUNCTION metrics.hotel_on_the_books(bigint, timestamptz, date, date) IS
'Returns the number of reservations of a hotel that were on the books for each night at an
instant. They were booked at or before as_of and not cancelled by then. A reservation counts once
for a night, even if it was booked more than once. Every night from from_date up to, but not
including, to_date has a row, zeros included; at most 3700 nights. Nights before the first event of
the hotel have zeros, too: nothing is known of them. Raises an error (22023) if an
argument is missing or from_date is after to_date. A hotel without any event has no rows, and a
warning names it.
Example: SELECT * FROM metrics.hotel_on_the_books(hotel_id => (SELECT min(hotel_id) FROM enriched.hotels), as_of => now(), from_date => current_date, to_date => current_date + 14);';
