-- Only whole weeks: from this Monday to the end of the week of the last night.
SELECT
    names.hotel_id,
    names.hotel_name,
    weeks.period_start::date AS period_start,
    coalesce(sum(nights.on_the_books), 0) AS rooms_booked,
    hotels.rooms * 7 AS rooms_available,
    round(coalesce(sum(nights.on_the_books), 0)::numeric / (hotels.rooms * 7), 4) AS occupancy
FROM unnest(%(hotels)s::bigint[], %(names)s::text[]) AS names (hotel_id, hotel_name)
INNER JOIN bookings.hotels ON names.hotel_id = hotels.hotel_id AND hotels.rooms IS NOT NULL
CROSS JOIN generate_series(
    date_trunc('week', current_date::timestamp), current_date + %(nights)s - 1, interval '1 week'
) AS weeks (period_start)
LEFT JOIN metrics.hotel_nights AS nights
    ON names.hotel_id = nights.hotel_id
    AND nights.night_of_stay >= weeks.period_start::date
    AND nights.night_of_stay < weeks.period_start::date + 7
GROUP BY names.hotel_id, names.hotel_name, weeks.period_start, hotels.rooms
ORDER BY names.hotel_name, weeks.period_start;
