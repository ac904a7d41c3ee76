SELECT
    coalesce(origin_city, origin_airport) AS origin,
    coalesce(destination_city, destination_airport) AS destination,
    departure_on,
    return_on,
    price_amount,
    to_char(total_duration_minutes * interval '1 minute', 'HH24:MI') AS total_duration,
    max_stops,
    airlines,
    agent,
    agent_rating,
    route,
    first_seen_on,
    itinerary_id,
    count(*) OVER () AS total_rows
FROM enriched.itineraries
WHERE
    withdrawn_at IS NULL
    AND price_currency = %(currency)s
    AND max_stops <= %(stops)s
    AND (%(routes)s::text[] IS NULL OR route = ANY (%(routes)s))
    AND (%(agents)s::text[] IS NULL OR agent = ANY (%(agents)s))
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
ORDER BY
    CASE %(sort)s
        WHEN 'duration' THEN total_duration_minutes
        WHEN 'stops' THEN max_stops
        WHEN 'departure' THEN departure_on - date '2000-01-01'
        WHEN 'rating, best first' THEN -agent_rating
        WHEN 'newest first' THEN -extract(EPOCH FROM first_seen_at)
    END,
    price_amount,
    itinerary_id
LIMIT 100;
