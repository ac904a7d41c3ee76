SELECT DISTINCT hotel_id FROM metrics.hotel_bookings_by_event_day ORDER BY hotel_id;
