CREATE OR REPLACE FUNCTION metrics.hotel_pace(
    hotel_id bigint DEFAULT NULL,
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    as_of timestamptz DEFAULT now(),
    days bigint DEFAULT 90
)
RETURNS TABLE (
    days_before_arrival integer,
    on_the_books bigint,
    on_the_books_last_year bigint,
    why_missing text
)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 91
AS $$
#variable_conflict use_column
DECLARE
    last_year CONSTANT integer := 364;
    first_reached integer;
    history_from date;
    -- Before it, of the nights of last year, bookings are not known.
    first_known integer;
BEGIN
    PERFORM bookings.check_nights(hotel_id, from_date, to_date, as_of, 400);
    IF days IS NULL OR days NOT BETWEEN 0 AND 400 THEN
        RAISE EXCEPTION 'days is %: it must be 0 to 400', coalesce(days::text, 'NULL') USING
            ERRCODE = 'invalid_parameter_value', HINT = 'For instance days => 90';
    END IF;
    IF NOT bookings.has_events(hotel_id) THEN
        RETURN;
    END IF;
    first_reached := to_date - (least(as_of, now()) AT TIME ZONE 'UTC')::date;
    history_from := bookings.counted_from(hotel_id);
    first_known := from_date - last_year - history_from;
    RETURN QUERY
    SELECT
        ahead.days,
        CASE
            WHEN ahead.days >= first_reached
                THEN coalesce(sum(this_year.change) OVER until_then, 0)::bigint
        END,
        CASE
            WHEN ahead.days >= first_reached - last_year
                AND coalesce(ahead.days <= first_known, TRUE)
                THEN coalesce(sum(a_year_ago.change) OVER until_then, 0)::bigint
        END,
        nullif(
            concat_ws(
                '; ',
                CASE
                    WHEN ahead.days < first_reached
                        THEN format('this year: known from %s on', to_date - ahead.days)
                END,
                CASE
                    WHEN ahead.days > first_known
                        THEN format('last year: the events begin on %s', history_from)
                    WHEN ahead.days < first_reached - last_year
                        THEN 'last year: that day has not ended for all nights'
                END
            ),
            ''
        )
    FROM generate_series(0, hotel_pace.days::integer) AS ahead (days)
    LEFT JOIN (
        SELECT
            least(
                changes.night_of_stay - (changes.changed_at AT TIME ZONE 'UTC')::date,
                hotel_pace.days::integer
            ) AS days,
            sum(changes.change) AS change
        FROM enriched.reservation_changes AS changes
        WHERE
            changes.hotel_id = hotel_pace.hotel_id
            AND changes.night_of_stay >= hotel_pace.from_date
            AND changes.night_of_stay < hotel_pace.to_date
        GROUP BY 1
    ) AS this_year ON this_year.days = ahead.days
    LEFT JOIN (
        SELECT
            least(
                changes.night_of_stay - (changes.changed_at AT TIME ZONE 'UTC')::date,
                hotel_pace.days::integer
            ) AS days,
            sum(changes.change) AS change
        FROM enriched.reservation_changes AS changes
        WHERE
            changes.hotel_id = hotel_pace.hotel_id
            AND changes.night_of_stay >= hotel_pace.from_date - last_year
            AND changes.night_of_stay < hotel_pace.to_date - last_year
        GROUP BY 1
    ) AS a_year_ago ON a_year_ago.days = ahead.days
    WINDOW until_then AS (ORDER BY ahead.days DESC)
    ORDER BY ahead.days DESC;
END
$$;

COMMENT ON FUNCTION metrics.hotel_pace(bigint, date, date, timestamptz, bigint) IS
'Returns the booking pace of a hotel, next to the pace of the same weeks one year before. There is
one row per days_before_arrival, from days down to 0. on_the_books is the total for the nights from
from_date up to, but not including, to_date: for each night, the reservations on the books at the
end (UTC) of the day that is days_before_arrival days before the night. on_the_books_last_year is
the same for the nights 364 days earlier: 52 weeks, so that the days of the week match. A total is
null until that day has ended for every night, so that each total covers all nights. as_of is the
time at which the totals are known; a time in the future counts as now. A total of last year is also
null if the events of the hotel begin later than that day. why_missing says why a total is null.
Bookings after the day of the night do not count. At most 400 nights and 400 days.
Raises an error (22023) if an argument is missing, out of range or from_date is after to_date. A
hotel without any event has no rows, and a warning names it. For all hotels at once, query
metrics.all_hotel_pace.
Example: SELECT * FROM metrics.hotel_pace(hotel_id => (SELECT min(hotel_id) FROM enriched.hotels), from_date => current_date, to_date => current_date + 14);';
