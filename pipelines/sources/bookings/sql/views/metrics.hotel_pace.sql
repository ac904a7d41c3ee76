CREATE OR REPLACE FUNCTION metrics.hotel_pace(
    INOUT hotel_id bigint DEFAULT NULL,
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    as_of timestamptz DEFAULT now(),
    days bigint DEFAULT 90,
    OUT hotel_name text,
    OUT days_before_arrival integer,
    OUT on_the_books bigint,
    OUT on_the_books_last_year bigint,
    OUT why_missing text
)
RETURNS SETOF record
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 91
AS $$
#variable_conflict use_column
DECLARE
    last_year CONSTANT integer := 364;
    chosen bigint[];
BEGIN
    PERFORM bookings.check_nights(from_date, to_date, as_of, 400);
    IF days IS NULL OR days NOT BETWEEN 0 AND 400 THEN
        RAISE EXCEPTION 'days is %: it must be 0 to 400', coalesce(days::text, 'NULL') USING
            ERRCODE = 'invalid_parameter_value', HINT = 'For instance days => 90';
    END IF;
    chosen := array(SELECT known_id FROM bookings.chosen_hotels(hotel_pace.hotel_id));
    RETURN QUERY
    WITH known AS (
        SELECT
            every.hotel_id,
            hotels.name AS hotel_name,
            to_date - bookings.business_day(least(as_of, now()), hotels.time_zone, hotels.day_begins)
                AS first_reached,
            bookings.business_day(books.first_event_at, books.time_zone, books.day_begins) AS from_day,
            -- Before it, of the nights of last year, bookings are not known.
            from_date - last_year
            - bookings.business_day(books.first_event_at, books.time_zone, books.day_begins) AS first_known
        FROM unnest(chosen) AS every (hotel_id)
        LEFT JOIN bookings.hotels USING (hotel_id)
        LEFT JOIN bookings.books USING (hotel_id)
    ),

    changes AS (
        SELECT
            book.hotel_id,
            least(book.night_of_stay - book.changed_on, hotel_pace.days::integer) AS days,
            sum(book.change) FILTER (WHERE years.shift = 0) AS this_year,
            sum(book.change) FILTER (WHERE years.shift > 0) AS a_year_ago
        FROM (VALUES (0), (last_year)) AS years (shift)
        INNER JOIN metrics.hotel_book AS book
            ON book.hotel_id = ANY(chosen)
            AND book.night_of_stay >= from_date - years.shift
            AND book.night_of_stay < to_date - years.shift
        GROUP BY 1, 2
    )

    SELECT
        known.hotel_id,
        known.hotel_name,
        ahead.days,
        CASE
            WHEN known.from_day IS NOT NULL AND ahead.days >= known.first_reached
                THEN coalesce(sum(changes.this_year) OVER until_then, 0)::bigint
        END,
        CASE
            WHEN ahead.days >= known.first_reached - last_year AND ahead.days <= known.first_known
                THEN coalesce(sum(changes.a_year_ago) OVER until_then, 0)::bigint
        END,
        nullif(
            concat_ws(
                '; ',
                CASE
                    WHEN known.from_day IS NULL THEN 'the book of the hotel is not made yet'
                    WHEN ahead.days < known.first_reached
                        THEN format('this year: known from %s on', to_date - ahead.days)
                END,
                CASE
                    WHEN ahead.days > known.first_known
                        THEN format('last year: the events begin on %s', known.from_day)
                    WHEN ahead.days < known.first_reached - last_year
                        THEN 'last year: that day has not ended for all nights'
                END
            ),
            ''
        )
    FROM known
    CROSS JOIN generate_series(0, hotel_pace.days::integer) AS ahead (days)
    LEFT JOIN changes USING (hotel_id, days)
    WINDOW until_then AS (PARTITION BY known.hotel_id ORDER BY ahead.days DESC)
    ORDER BY known.hotel_id, ahead.days DESC;
END
$$;

COMMENT ON FUNCTION metrics.hotel_pace(bigint, date, date, timestamptz, bigint) IS
'Returns the booking pace of a hotel, or of each, next to the pace of the same weeks one year before.
There is one row per days_before_arrival, from days down to 0. on_the_books is the total for the
nights from from_date up to, but not including, to_date: for each night, what was on the books at the
close of the business day (metrics.hotel_book) that is days_before_arrival days before the night.
on_the_books_last_year is the same for the nights 364 days earlier: 52 weeks, so that the days of the
week match. A total is null until that day has ended for every night, so that each total covers all
nights. as_of is the time at which the totals are known; a time in the future counts as now. A total
of last year is also null if the events of the hotel begin later than that day. why_missing says why
a total is null. Bookings after the day of the night do not count. At most 400 nights and 400 days.
Raises an error (22023) if an argument is missing, out of range or from_date is after to_date. Without
hotel_id, it returns every hotel with events. A hotel without any event has no rows, and a warning
names it.
Example: SELECT * FROM metrics.hotel_pace(hotel_id => (SELECT min(hotel_id) FROM enriched.hotels), from_date => current_date, to_date => current_date + 14);';
