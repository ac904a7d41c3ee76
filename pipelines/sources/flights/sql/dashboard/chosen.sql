    AND (%(stops)s::integer[] IS NULL OR least(max_stops, 3) = ANY (%(stops)s))
    AND (%(routes)s::text[] IS NULL OR route = ANY (%(routes)s))
    AND (%(airlines)s::text[] IS NULL OR airlines && %(airlines)s::text[])
    AND (%(origins)s::text[] IS NULL OR ARRAY[origin_city, origin_airport] && %(origins)s::text[])
    AND (%(destinations)s::text[] IS NULL OR ARRAY[destination_city, destination_airport] && %(destinations)s::text[])
    AND (%(departs_from)s::date IS NULL OR departure_on BETWEEN %(departs_from)s AND %(departs_until)s)
    AND (
        %(hours)s::integer IS NULL OR NOT EXISTS (
            SELECT FROM flights.directions
            WHERE directions.itinerary_id = itineraries.itinerary_id AND minutes > 60 * %(hours)s
        )
    )
