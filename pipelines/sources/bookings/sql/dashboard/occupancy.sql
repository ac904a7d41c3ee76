-- Net bookings by night of stay: as on the books, unless the source books or cancels a night twice.
SELECT
    named.hotel_id,
    named.hotel_name,
    weeks.period_start,
    coalesce(booked.rooms_booked, 0) AS rooms_booked,
    named.rooms * weeks.nights AS rooms_available,
    round(coalesce(booked.rooms_booked, 0)::numeric / (named.rooms * weeks.nights), 4) AS occupancy
FROM (
    SELECT
        hotel_id,
        rooms,
        CASE
            WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || hotel_id || ')'
            ELSE name
        END AS hotel_name
    FROM bookings.hotels
) AS named
CROSS JOIN (
    SELECT
        date_trunc('week', night)::date AS week,
        min(night)::date AS period_start,
        count(*) AS nights
    FROM generate_series(current_date::timestamp, current_date + %(nights)s - 1, interval '1 day') AS night
    GROUP BY week
) AS weeks
LEFT JOIN (
    SELECT
        hotel_id,
        date_trunc('week', day::timestamp)::date AS week,
        sum(net_bookings) AS rooms_booked
    FROM metrics.hotel_bookings_by_stay_night
    WHERE
        hotel_id = ANY (%(hotels)s::bigint[])
        AND day >= current_date
        AND day < current_date + %(nights)s
    GROUP BY hotel_id, week
) AS booked ON named.hotel_id = booked.hotel_id AND weeks.week = booked.week
WHERE named.hotel_id = ANY (%(hotels)s::bigint[]) AND named.rooms IS NOT NULL
ORDER BY named.hotel_name, weeks.period_start;
