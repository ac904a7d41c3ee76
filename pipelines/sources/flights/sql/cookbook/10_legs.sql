-- What are the legs of an itinerary?
--
-- Legs come in their order, with local times in 24-hour form. `layover_minutes` is the time between the flights of a leg,
-- and `airline_logo_url` is the address of a small picture.
SELECT
    leg_number, airline_name, departure_airport, to_char(departure_local, 'YYYY-MM-DD HH24:MI') AS departs,
    arrival_airport, to_char(arrival_local, 'YYYY-MM-DD HH24:MI') AS arrives, stops, duration_minutes,
    layover_minutes
FROM enriched.itinerary_legs
WHERE itinerary_id = (
    SELECT itinerary_id FROM enriched.itineraries
    WHERE 0 <> ALL (leg_stops) AND on_offer ORDER BY price_amount LIMIT 1
)
ORDER BY leg_number;
