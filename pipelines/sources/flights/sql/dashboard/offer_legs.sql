SELECT
    leg_number,
    from_city || ' (' || departure_airport || ')' AS departure_city,
    departure_local,
    to_city || ' (' || arrival_airport || ')' AS arrival_city,
    arrival_local,
    airline_name AS airline,
    stops, elapsed_minutes, layover_minutes, duration_minutes, time_verdict
FROM enriched.itinerary_legs
WHERE itinerary_id = %(itinerary_id)s
ORDER BY leg_number;
