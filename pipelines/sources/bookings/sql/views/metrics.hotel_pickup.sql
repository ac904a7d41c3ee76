CREATE OR REPLACE FUNCTION metrics.hotel_pickup(
    hotel_id bigint DEFAULT NULL,
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    as_of timestamptz DEFAULT now()
)
RETURNS TABLE (
    night_of_stay date,
    on_the_books bigint,
    pickup_1_day bigint,
    pickup_7_days bigint,
    pickup_30_days bigint
)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 90
AS $$
#variable_conflict use_column
DECLARE
    as_known CONSTANT timestamptz := least(as_of, now());
    first_night CONSTANT date := coalesce(from_date, (as_known AT TIME ZONE 'UTC')::date);
    end_night CONSTANT date := coalesce(to_date, first_night + 90);
    a_day CONSTANT interval := interval '24 hours';
BEGIN
    PERFORM bookings.check_nights(hotel_id, first_night, end_night, as_of, 3700);
    IF NOT bookings.has_events(hotel_id) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        first_night + nights.number,
        coalesce(sum(changes.change), 0),
        coalesce(sum(changes.change) FILTER (WHERE changes.changed_at > as_known - a_day), 0),
        coalesce(sum(changes.change) FILTER (WHERE changes.changed_at > as_known - 7 * a_day), 0),
        coalesce(sum(changes.change) FILTER (WHERE changes.changed_at > as_known - 30 * a_day), 0)
    FROM generate_series(0, end_night - first_night - 1) AS nights (number)
    LEFT JOIN enriched.reservation_changes AS changes
        ON changes.night_of_stay = first_night + nights.number
        AND changes.hotel_id = hotel_pickup.hotel_id
        AND changes.night_of_stay >= first_night
        AND changes.night_of_stay < end_night
        AND changes.changed_at <= as_known
    GROUP BY nights.number
    ORDER BY nights.number;
END
$$;

COMMENT ON FUNCTION metrics.hotel_pickup(bigint, date, date, timestamptz) IS
'Returns the number of reservations of a hotel on the books for each night at as_of, and the
pickup. Pickup is the change over the last 1, 7 and 30 days (of 24 hours). It is negative if there
were more cancellations than bookings. A time to come counts as now. Nights before the first event
of the hotel have zeros, too: nothing is known of them. Every night from from_date (default: the UTC day of as_of) up
to, but not including, to_date (default: 90 days after from_date) has a row, zeros included; at most
3700 nights. Raises an error (22023) if hotel_id or as_of is missing or from_date is after to_date,
and a hotel without any event has no rows: a warning names it. For all hotels at once, query
metrics.all_hotel_pickup.
Example: SELECT * FROM metrics.hotel_pickup(hotel_id => (SELECT min(hotel_id) FROM enriched.hotels), from_date => current_date, to_date => current_date + 14);';
