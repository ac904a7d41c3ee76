CREATE OR REPLACE FUNCTION metrics.hotel_pickup(
    INOUT hotel_id bigint DEFAULT NULL,
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    as_of timestamptz DEFAULT now(),
    OUT hotel_name text,
    OUT night_of_stay date,
    OUT on_the_books bigint,
    OUT pickup_1_day bigint,
    OUT pickup_7_days bigint,
    OUT pickup_30_days bigint
)
RETURNS SETOF record
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 90
AS $$
#variable_conflict use_column
DECLARE
    as_known CONSTANT timestamptz := least(as_of, now());
    a_day CONSTANT interval := interval '24 hours';
    hotel record;
    first_night date;
    end_night date;
BEGIN
    first_night := coalesce(from_date, (as_known AT TIME ZONE 'UTC')::date);
    PERFORM bookings.check_nights(first_night, coalesce(to_date, first_night + 90), as_of, 3700);
    FOR hotel IN SELECT * FROM bookings.chosen_hotels(hotel_pickup.hotel_id) ORDER BY 1 LOOP
        first_night := coalesce(
            from_date, bookings.business_day(as_known, hotel.time_zone, hotel.day_begins)
        );
        end_night := coalesce(to_date, first_night + 90);
        RETURN QUERY
        SELECT
            hotel.known_id,
            hotel.hotel_name,
            first_night + nights.number,
            coalesce(sum(changes.change), 0)::bigint,
            coalesce(sum(changes.change) FILTER (WHERE changes.changed_at > as_known - a_day), 0)::bigint,
            coalesce(
                sum(changes.change) FILTER (WHERE changes.changed_at > as_known - 7 * a_day), 0
            )::bigint,
            coalesce(
                sum(changes.change) FILTER (WHERE changes.changed_at > as_known - 30 * a_day), 0
            )::bigint
        FROM generate_series(0, end_night - first_night - 1) AS nights (number)
        LEFT JOIN enriched.reservation_changes AS changes
            ON changes.night_of_stay = first_night + nights.number
            AND changes.hotel_id = hotel.known_id
            AND changes.night_of_stay >= first_night
            AND changes.night_of_stay < end_night
            AND changes.changed_at <= as_known
        GROUP BY nights.number
        ORDER BY nights.number;
    END LOOP;
END
$$;

COMMENT ON FUNCTION metrics.hotel_pickup(bigint, date, date, timestamptz) IS
'Returns the number of reservations of a hotel, or of each, on the books for each night at as_of, and
the pickup. Pickup is the change over the last 1, 7 and 30 days (of 24 hours). It is negative if there
were more cancellations than bookings. A time to come counts as now. Nights before the first event
of the hotel have zeros, too: nothing is known of them. Every night from from_date (default: the
business day of the hotel at as_of) up to, but not including, to_date (default: 90 days after
from_date) has a row, zeros included; at most 3700 nights. Raises an error (22023) if as_of is missing
or from_date is after to_date. Without hotel_id, it returns every hotel with events. A hotel without
any event has no rows, and a warning names it. For whole business days, which compare with last
year, query metrics.hotels_at_close.
Example: SELECT * FROM metrics.hotel_pickup(hotel_id => (SELECT min(hotel_id) FROM enriched.hotels), from_date => current_date, to_date => current_date + 14);';
