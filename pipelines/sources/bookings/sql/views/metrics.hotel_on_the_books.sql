CREATE OR REPLACE FUNCTION metrics.hotel_on_the_books(
    INOUT hotel_id bigint DEFAULT NULL,
    as_of timestamptz DEFAULT NULL,
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    OUT hotel_name text,
    OUT night_of_stay date,
    OUT on_the_books bigint
)
RETURNS SETOF record
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 365
AS $$
#variable_conflict use_column
DECLARE
    hotel record;
BEGIN
    PERFORM bookings.check_nights(from_date, to_date, as_of, 3700);
    FOR hotel IN SELECT * FROM bookings.chosen_hotels(hotel_on_the_books.hotel_id) ORDER BY 1 LOOP
        RETURN QUERY
        SELECT
            hotel.known_id,
            hotel.hotel_name,
            hotel_on_the_books.from_date + nights.number,
            coalesce(sum(changes.change), 0)::bigint
        FROM
            generate_series(0, hotel_on_the_books.to_date - hotel_on_the_books.from_date - 1)
                AS nights (number)
        LEFT JOIN enriched.reservation_changes AS changes
            ON changes.night_of_stay = hotel_on_the_books.from_date + nights.number
            AND changes.hotel_id = hotel.known_id
            AND changes.night_of_stay >= hotel_on_the_books.from_date
            AND changes.night_of_stay < hotel_on_the_books.to_date
            AND changes.changed_at <= hotel_on_the_books.as_of
        GROUP BY nights.number
        ORDER BY nights.number;
    END LOOP;
END
$$;

COMMENT ON FUNCTION metrics.hotel_on_the_books(bigint, timestamptz, date, date) IS
'Returns the number of reservations of a hotel that were on the books for each night at an
instant. They were booked at or before as_of and not cancelled by then. A reservation counts once
for a night, even if it was booked more than once. Every night from from_date up to, but not
including, to_date has a row, zeros included; at most 3700 nights. Nights before the first event of
the hotel have zeros, too: nothing is known of them. Raises an error (22023) if an
argument is missing or from_date is after to_date. Without hotel_id, it returns every hotel with
events. A hotel without any event has no rows, and a warning names it.
Example: SELECT * FROM metrics.hotel_on_the_books(hotel_id => (SELECT min(hotel_id) FROM enriched.hotels), as_of => now(), from_date => current_date, to_date => current_date + 14);';
