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
    occupancy double precision
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT
    hotels.hotel_id, hotels.hotel_name, hotels.city,
    min(nights.night_of_stay),
    sum(nights.on_the_books)::bigint,
    hotels.rooms * count(*),
    round(sum(nights.on_the_books) / (hotels.rooms * count(*)), 4)::double precision
FROM enriched.hotels
CROSS JOIN LATERAL metrics.hotel_pickup(hotels.hotel_id, $1, $2, $4) AS nights
-- A condition without columns: evaluated once, before any hotel is read.
WHERE bookings.check_period($3)
GROUP BY
    hotels.hotel_id, hotels.hotel_name, hotels.city, hotels.rooms,
    date_trunc($3, nights.night_of_stay::timestamp)
ORDER BY hotels.hotel_id, min(nights.night_of_stay)
$$;

COMMENT ON FUNCTION metrics.hotel_occupancy(date, date, text, timestamptz) IS
'Returns the occupancy of each hotel by period: day, week (from Monday), month or year. It covers
the nights from from_date (default: the hotel''s business day at as_of; a time to come counts as now) up to, but
not including, to_date (default: 90 days after from_date). rooms_booked is the number of room nights
on the books at as_of. rooms_available is the number of room nights that the hotel has. occupancy is
rooms_booked / rooms_available: 0 to 1, or more if the hotel is overbooked. rooms_available and
occupancy are null if bookings.hotels has no rooms for the hotel. Nights before the first event of
the hotel count as empty: nothing is known of them. If a period is only partly in the range, its row
covers only the nights in the range, and period_start is the first of them. Raises an error (22023)
if period is not day, week, month or year. To get one hotel, add WHERE hotel_id = 2607.
Example: SELECT * FROM metrics.hotel_occupancy(from_date => current_date, to_date => current_date + 28, period => ''week'');';
