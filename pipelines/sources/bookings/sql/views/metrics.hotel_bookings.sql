CREATE OR REPLACE FUNCTION metrics.hotel_bookings(
    INOUT hotel_id bigint DEFAULT NULL,
    period text DEFAULT NULL,
    year bigint DEFAULT NULL,
    axis text DEFAULT 'event',
    month bigint DEFAULT NULL,
    day bigint DEFAULT NULL,
    OUT hotel_name text,
    OUT period_start date,
    OUT bookings bigint,
    OUT cancellations bigint,
    OUT net_bookings bigint
)
RETURNS SETOF record
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 366
AS $$
#variable_conflict use_column
DECLARE
    problem CONSTANT text := CASE
        WHEN period IS NULL OR period NOT IN ('day', 'week', 'month', 'year')
            THEN format('period is %L: it must be day, week, month or year', period)
        WHEN year IS NULL OR year NOT BETWEEN 1950 AND 2050
            THEN format('year is %s: it must be 1950 to 2050', coalesce(year::text, 'NULL'))
        WHEN axis IS NULL OR axis NOT IN ('event', 'stay')
            THEN format('axis is %L: it must be event or stay', axis)
        WHEN month NOT BETWEEN 1 AND 12
            THEN format('month is %s: it must be 1 to 12, or NULL for all of the year', month)
        WHEN month IS NOT NULL AND period = 'year'
            THEN format('month is %s: with period year it must be NULL', month)
        WHEN day IS NOT NULL AND period <> 'day'
            THEN format('day is %s: with period %s it must be NULL', day, period)
        WHEN day IS NOT NULL AND month IS NULL
            THEN format('day is %s: without a month it must be NULL', day)
        WHEN day NOT BETWEEN 1 AND date_part(
            'day', make_date(year::integer, month::integer, 1) + interval '1 month -1 day'
        )
            THEN format(
                'day is %s: in %s it must be 1 to %s',
                day,
                to_char(make_date(year::integer, month::integer, 1), 'FMMonth YYYY'),
                date_part('day', make_date(year::integer, month::integer, 1) + interval '1 month -1 day')
            )
    END;
    hotel record;
    first_day date;
    end_day date;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'metrics.hotel_bookings(2607, ''month'', 2022), or (..., month => 2) for one month';
    END IF;
    first_day := make_date(
        year::integer, coalesce(month, 1)::integer, coalesce(day, 1)::integer
    );
    end_day := first_day + CASE
        WHEN day IS NOT NULL THEN interval '1 day'
        WHEN month IS NOT NULL THEN interval '1 month'
        ELSE interval '1 year'
    END;
    FOR hotel IN SELECT * FROM bookings.chosen_hotels(hotel_bookings.hotel_id) ORDER BY 1 LOOP
        RETURN QUERY
        SELECT
            hotel.known_id,
            hotel.hotel_name,
            min(calendar.day)::date,
            coalesce(sum(counts.bookings), 0)::bigint,
            coalesce(sum(counts.cancellations), 0)::bigint,
            coalesce(sum(counts.bookings - counts.cancellations), 0)::bigint
        FROM generate_series(first_day::timestamp, end_day - interval '1 day', interval '1 day')
            AS calendar (day)
        LEFT JOIN (
            SELECT by_event.day, by_event.bookings, by_event.cancellations
            FROM metrics.hotel_bookings_by_event_day AS by_event
            WHERE
                hotel_bookings.axis = 'event'
                AND by_event.hotel_id = hotel.known_id
                AND by_event.day >= first_day
                AND by_event.day < end_day
            UNION ALL
            SELECT by_stay.day, by_stay.bookings, by_stay.cancellations
            FROM metrics.hotel_bookings_by_stay_night AS by_stay
            WHERE
                hotel_bookings.axis = 'stay'
                AND by_stay.hotel_id = hotel.known_id
                AND by_stay.day >= first_day
                AND by_stay.day < end_day
        ) AS counts ON counts.day = calendar.day::date
        GROUP BY date_trunc(hotel_bookings.period, calendar.day)
        ORDER BY 3;
    END LOOP;
END
$$;

COMMENT ON FUNCTION metrics.hotel_bookings(bigint, text, bigint, text, bigint, bigint) IS
'Returns the number of reservation nights that a hotel, or each, booked and cancelled in a year, by
period: day, week (from Monday), month or year. period_start is the first day of the period. A week
that is only partly in the year or month counts only the days in it. Every period has a row, with
zeros if nothing happened. axis selects the day that counts: event, the UTC day of the booking or
cancellation (the default), or stay, the night of the stay. If month is given, the result covers
only that month; if day is given too, only that day.
"Bookings" has four meanings. Use these columns:
Bookings by event day (the default axis): bookings.
Net bookings by event day: net_bookings, which is bookings minus cancellations and may be negative.
Bookings by night of stay: bookings with axis => ''stay''.
All events: bookings + cancellations.
Raises an error (22023) if an argument is missing, out of range (year 1950 to 2050) or does not fit
the others. Without hotel_id, it returns every hotel with events. A hotel without any event has no
rows, and a warning names it.
Example: SELECT * FROM metrics.hotel_bookings(hotel_id => (SELECT min(hotel_id) FROM enriched.hotels), period => ''month'', year => extract(year FROM current_date)::integer);';
