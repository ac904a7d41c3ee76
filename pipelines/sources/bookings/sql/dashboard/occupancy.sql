-- Net bookings by night of stay equal what is on the books, unless the source books or cancels a
-- night twice. Only whole weeks: from this Monday to the end of the week of the last night.
SELECT
    named.hotel_id,
    named.hotel_name,
    weeks.period_start::date AS period_start,
    coalesce(booked.rooms_booked, 0) AS rooms_booked,
    named.rooms * 7 AS rooms_available,
    round(coalesce(booked.rooms_booked, 0)::numeric / (named.rooms * 7), 4) AS occupancy
FROM (
    SELECT hotel_id, hotel_name, rooms
    FROM unnest(%(hotels)s::bigint[], %(names)s::text[]) AS names (hotel_id, hotel_name)
    INNER JOIN bookings.hotels USING (hotel_id)
    WHERE rooms IS NOT NULL
) AS named
CROSS JOIN generate_series(
    date_trunc('week', current_date::timestamp),
    current_date + %(nights)s - 1,
    interval '1 week'
) AS weeks (period_start)
LEFT JOIN (
    SELECT
        hotel_id,
        date_trunc('week', day::timestamp) AS period_start,
        sum(net_bookings) AS rooms_booked
    FROM metrics.hotel_bookings_by_stay_night
    WHERE
        hotel_id = ANY (%(hotels)s::bigint[])
        AND day >= date_trunc('week', current_date::timestamp)
        AND day < date_trunc('week', current_date + %(nights)s - 1 + interval '7 days')
    GROUP BY hotel_id, period_start
) AS booked ON named.hotel_id = booked.hotel_id AND weeks.period_start = booked.period_start
ORDER BY named.hotel_name, weeks.period_start;
