SELECT hotel_name, period_start, rooms_booked, rooms_available, occupancy
FROM metrics.hotel_occupancy(current_date, current_date + %(nights)s, 'week')
WHERE hotel_id = ANY (%(hotels)s::bigint[]) AND occupancy IS NOT NULL
ORDER BY hotel_name, period_start;
