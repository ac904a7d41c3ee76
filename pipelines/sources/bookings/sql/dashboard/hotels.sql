SELECT hotel_id, coalesce(hotel_name, 'Hotel ' || hotel_id) AS hotel_name FROM enriched.hotels ORDER BY hotel_id;
