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
DECLARE
    problem CONSTANT text := CASE
        WHEN hotel_id IS NULL THEN 'hotel_id is NULL: it must be the number of a hotel'
        WHEN as_of IS NULL THEN 'as_of is NULL: it must be an instant, such as now()'
        WHEN from_date IS NULL OR NOT isfinite(from_date)
            THEN format('from_date is %s: it must be a date', coalesce(from_date::text, 'NULL'))
        WHEN to_date IS NULL OR NOT isfinite(to_date)
            THEN format('to_date is %s: it must be a date', coalesce(to_date::text, 'NULL'))
        WHEN from_date > to_date
            THEN format('from_date is %s: it must not be after to_date, %s', from_date, to_date)
        WHEN to_date - from_date > 3700
            THEN format(
                'to_date is %s: it must be at most 3700 nights after from_date, %s',
                to_date,
                from_date
            )
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'For instance as_of => now(), from_date => ''2022-08-01'', to_date => ''2022-09-01''';
    END IF;
    IF NOT bookings.has_events(hotel_id) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        hotel_on_the_books.from_date + nights.number,
        coalesce(counted.on_the_books, 0)
    FROM
        generate_series(0, hotel_on_the_books.to_date - hotel_on_the_books.from_date - 1)
            AS nights (number)
    LEFT JOIN (
        SELECT
            changes.night_of_stay,
            sum(changes.change) AS on_the_books
        FROM enriched.reservation_changes AS changes
        WHERE
            changes.hotel_id = hotel_on_the_books.hotel_id
            AND changes.night_of_stay >= hotel_on_the_books.from_date
            AND changes.night_of_stay < hotel_on_the_books.to_date
            AND changes.changed_at <= hotel_on_the_books.as_of
        GROUP BY changes.night_of_stay
    ) AS counted ON counted.night_of_stay = hotel_on_the_books.from_date + nights.number
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
