CREATE OR REPLACE FUNCTION metrics.hotels_same_time_last_year(
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    as_of timestamptz DEFAULT now()
)
RETURNS TABLE (
    hotel_id bigint,
    hotel_name text,
    city text,
    on_the_books bigint,
    on_the_books_last_year bigint,
    change bigint,
    change_pct double precision,
    why_missing text
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT
    hotels.hotel_id, hotels.hotel_name, hotels.city, books.now, books.then,
    books.now - books.then,
    round(100.0 * (books.now - books.then) / nullif(books.then, 0), 1)::double precision,
    CASE
        WHEN books.then IS NULL THEN format('the events begin on %s', history.from_day)
    END
FROM enriched.hotels
-- A time to come is now: the books of last year must not be ahead of those of this year.
CROSS JOIN LATERAL (
    SELECT
        bookings.counted_from(hotels.hotel_id) AS from_day,
        -- Not least(): a missing as_of would be now, and not an error.
        CASE WHEN $3 > now() THEN now() ELSE $3 END AS as_of
) AS history
CROSS JOIN LATERAL (
    SELECT
        (
            SELECT coalesce(sum(nights.on_the_books), 0)::bigint
            FROM metrics.hotel_on_the_books(hotels.hotel_id, history.as_of, $1, $2) AS nights
        ) AS now,
        CASE
            WHEN history.from_day <= least((history.as_of AT TIME ZONE 'UTC')::date, $1) - 364
                THEN (
                    SELECT coalesce(sum(nights.on_the_books), 0)::bigint
                    FROM
                        metrics.hotel_on_the_books(
                            hotels.hotel_id,
                            history.as_of - 364 * interval '24 hours',
                            $1 - 364,
                            $2 - 364
                        ) AS nights
                )
        END AS then
) AS books
ORDER BY hotels.hotel_id
$$;

COMMENT ON FUNCTION metrics.hotels_same_time_last_year(date, date, timestamptz) IS
'Returns what is on the books of each hotel, next to the books of the same time one year before.
on_the_books counts the nights from from_date up to, but not including, to_date, as of as_of; a time
to come counts as now. on_the_books_last_year counts the nights 364 days earlier, as of 364 days
earlier: the same weekdays at the same lead time. change and change_pct are the difference. If the
events of the hotel begin later than that or than the first of these nights, the total of last year
is null and why_missing says since when there are events. If they begin shortly before it, early
bookings are missing from it. Raises the errors of metrics.hotel_on_the_books.
Example: SELECT * FROM metrics.hotels_same_time_last_year(from_date => current_date, to_date => current_date + 30);';
