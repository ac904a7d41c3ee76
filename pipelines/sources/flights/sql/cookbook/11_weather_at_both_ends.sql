-- How will the weather be where an itinerary departs and arrives?
--
-- `departure_weather_source` and `arrival_weather_source` show whether the weather is a forecast, or why there is none.
SELECT
    leg_number, departure_city, departure_at, departure_temperature_celsius, departure_conditions,
    departure_weather_source,
    arrival_city, arrival_at, arrival_temperature_celsius, arrival_conditions,
    arrival_weather_source
FROM enriched.itinerary_legs
WHERE itinerary_id = (
    SELECT itinerary_id FROM enriched.itineraries
    WHERE max_stops = 0 AND on_offer ORDER BY price_amount LIMIT 1
)
ORDER BY leg_number;
