CREATE OR REPLACE FUNCTION metrics.hotel_occupancy(
    from_date date DEFAULT NULL,
    to_date date DEFAULT NULL,
    period text DEFAULT 'day',
    as_of timestamptz DEFAULT now()
)
RETURNS TABLE (
    hotel_id bigint,
    hotel_name text,
    city text,
    period_start date,
    rooms_booked bigint,
    rooms_available bigint,
    occupancy numeric
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT
    hotels.hotel_id,
    hotels.hotel_name,
    hotels.city,
    min(nights.night_of_stay),
    sum(nights.on_the_books)::bigint,
    hotels.rooms * count(*),
    round(sum(nights.on_the_books) / (hotels.rooms * count(*)), 4)
FROM enriched.hotels
CROSS JOIN LATERAL metrics.hotel_pickup(hotels.hotel_id, $1, $2, $4) AS nights
-- A condition on no row: checked once, before any hotel.
WHERE bookings.check_period($3)
GROUP BY
    hotels.hotel_id, hotels.hotel_name, hotels.city, hotels.rooms,
    date_trunc($3, nights.night_of_stay::timestamp)
ORDER BY hotels.hotel_id, min(nights.night_of_stay)
$$;

COMMENT ON FUNCTION metrics.hotel_occupancy(date, date, text, timestamptz) IS
'How full each hotel is by period: day, week (from Monday), month or year. The nights are those from from_date (unless given, the UTC day of as_of) to the one before to_date (unless given, 90 days
after from_date). rooms_booked are nights of rooms on the books at as_of, rooms_available those that
the hotel has to let, and occupancy the first by the second, 0 to 1, more where it is overbooked.
rooms_available and occupancy are null where bookings.hotels has no rooms of the hotel. Of a period
that is not whole in the range, the row is of the nights in it, and period_start the first of them.
A period that is missing or another is an error (22023).
One hotel: WHERE hotel_id = 2607.
Example: SELECT * FROM metrics.hotel_occupancy(from_date => current_date, to_date => current_date + 28, period => ''week'');';
