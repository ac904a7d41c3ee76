CREATE OR REPLACE FUNCTION metrics.hotels_at_close(
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    period text DEFAULT NULL,
    at_close_of date DEFAULT NULL,
    hotel_ids bigint[] DEFAULT NULL
)
RETURNS TABLE (
    hotel_id bigint,
    period_start date,
    on_the_books bigint,
    on_the_books_last_year bigint,
    change bigint,
    change_pct double precision,
    rooms_available bigint,
    occupancy double precision,
    pickup_1_day bigint,
    pickup_7_days bigint,
    pickup_7_days_before bigint,
    pickup_30_days bigint,
    closed_on date
)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 1000
AS $$
#variable_conflict use_column
DECLARE
    a_year CONSTANT integer := 364;
    chosen CONSTANT bigint[] := array(
        SELECT books.hotel_id
        FROM bookings.books
        WHERE hotel_ids IS NULL OR books.hotel_id = ANY(hotel_ids)
    );
    closing date;
    first_night date;
    end_night date;
BEGIN
    PERFORM bookings.check_period(coalesce(period, 'day'));
    SELECT min(bookings.business_day(now(), hotels.time_zone, hotels.day_begins)) - 1 INTO closing
    FROM unnest(chosen) AS known (hotel_id)
    LEFT JOIN bookings.hotels USING (hotel_id);
    IF closing IS NULL THEN
        RETURN;  -- no hotel has a book
    END IF;
    closing := least(at_close_of, closing);
    first_night := coalesce(from_date, closing + 1);
    end_night := coalesce(to_date, first_night + 90);
    PERFORM bookings.check_nights(first_night, end_night, now(), 3700);
    RETURN QUERY
    WITH hotels AS (
        SELECT
            known.hotel_id,
            hotels.rooms,
            -- Nothing is known of nights and days before the first event, and little of the month after it.
            bookings.business_day(books.first_event_at, books.time_zone, books.day_begins) AS first_day
        FROM unnest(chosen) AS known (hotel_id)
        INNER JOIN bookings.books USING (hotel_id)
        LEFT JOIN bookings.hotels USING (hotel_id)
    ),

    nights AS (
        SELECT
            first_night + number AS night_of_stay,
            CASE
                WHEN period IS NULL THEN first_night
                ELSE greatest(date_trunc(period, (first_night + number)::timestamp)::date, first_night)
            END AS period_start
        FROM generate_series(0, end_night - first_night - 1) AS numbers (number)
    ),

    periods AS (
        SELECT period_start, min(night_of_stay) AS from_night, max(night_of_stay) AS to_night, count(*) AS nights
        FROM nights
        GROUP BY period_start
    ),

    books AS (
        SELECT
            book.hotel_id,
            nights.period_start,
            sum(book.change) AS on_the_books,
            sum(book.change) FILTER (WHERE book.changed_on > closing - 1) AS pickup_1_day,
            sum(book.change) FILTER (WHERE book.changed_on > closing - 7) AS pickup_7_days,
            sum(book.change) FILTER (WHERE book.changed_on > closing - 14) AS pickup_14_days,
            sum(book.change) FILTER (WHERE book.changed_on > closing - 30) AS pickup_30_days
        FROM metrics.hotel_book AS book
        INNER JOIN nights USING (night_of_stay)
        WHERE
            book.hotel_id = ANY(chosen)
            AND book.night_of_stay >= first_night
            AND book.night_of_stay < end_night
            AND book.changed_on <= closing
        GROUP BY book.hotel_id, nights.period_start
    ),

    books_last_year AS (
        SELECT
            book.hotel_id,
            nights.period_start,
            sum(book.change) AS on_the_books
        FROM metrics.hotel_book AS book
        INNER JOIN nights ON book.night_of_stay = nights.night_of_stay - a_year
        WHERE
            book.hotel_id = ANY(chosen)
            AND book.night_of_stay >= first_night - a_year
            AND book.night_of_stay < end_night - a_year
            AND book.changed_on <= closing - a_year
        GROUP BY book.hotel_id, nights.period_start
    )

    SELECT
        hotels.hotel_id,
        periods.period_start,
        coalesce(books.on_the_books, 0),
        last_year.on_the_books,
        coalesce(books.on_the_books, 0) - last_year.on_the_books,
        round(
            100.0 * (coalesce(books.on_the_books, 0) - last_year.on_the_books)
            / nullif(last_year.on_the_books, 0),
            1
        )::double precision,
        hotels.rooms * periods.nights,
        round(coalesce(books.on_the_books, 0)::numeric / (hotels.rooms * periods.nights), 4)::double precision,
        coalesce(books.pickup_1_day, 0),
        coalesce(books.pickup_7_days, 0),
        coalesce(books.pickup_14_days, 0) - coalesce(books.pickup_7_days, 0),
        coalesce(books.pickup_30_days, 0),
        closing
    FROM hotels
    CROSS JOIN periods
    LEFT JOIN books USING (hotel_id, period_start)
    LEFT JOIN books_last_year USING (hotel_id, period_start)
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN
                hotels.first_day <= closing - a_year - 30
                AND hotels.first_day <= periods.from_night - a_year
                THEN coalesce(books_last_year.on_the_books, 0)
        END AS on_the_books
    ) AS last_year
    ORDER BY hotels.hotel_id, periods.period_start;
END
$$;

COMMENT ON FUNCTION metrics.hotels_at_close(date, date, text, date, bigint[]) IS
'Returns what was on the books of each hotel at the close of a business day, from metrics.hotel_book,
for the nights from from_date (default: the night after that day) up to, but not including, to_date
(default: 90 nights later): by period (day, week from Monday, month or year; a period that is only
partly in the range counts only the nights in it), or without a period, all of them in one row.
at_close_of is the business day; the default, and the latest that counts, is the last one that is
closed at all of the hotels. hotel_ids limits the hotels; those without a book have no row.
on_the_books is the number of reservation nights that were booked then. on_the_books_last_year is
that of the nights 364 days earlier at the close of the day 364 days earlier: the same weekdays at
the same lead time. It is null unless the events of the hotel begin 30 days before that day, and
before these nights: sum only hotels that have it on both sides. change and change_pct are the
difference. rooms_available is rooms times nights and occupancy is on_the_books / rooms_available;
both are null without rooms in bookings.hotels. pickup_1_day, _7_days and _30_days are the change
over that many business days up to closed_on, and pickup_7_days_before over the seven before those.
Raises an error (22023) for a period or range that is none; at most 3700 nights. Fast for some
hundred hotels.
Example: SELECT * FROM metrics.hotels_at_close(from_date => current_date, to_date => current_date + 14, period => ''day'');';
