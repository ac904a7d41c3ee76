-- The parameter has no name because a column of the result has the same one.
CREATE OR REPLACE FUNCTION enriched.itinerary(text)
RETURNS TABLE (
    itinerary_id text,
    agent text,
    agent_rating double precision,
    price_amount numeric,
    price_currency text,
    route text,
    first_seen_at timestamptz,
    last_seen_at timestamptz,
    withdrawn_at timestamptz,
    legs jsonb
)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
SELECT
    itineraries.itinerary_id,
    itineraries.agent,
    itineraries.agent_rating,
    itineraries.price_amount,
    itineraries.price_currency,
    itineraries.route,
    itineraries.first_seen_at,
    itineraries.last_seen_at,
    itineraries.withdrawn_at,
    (
        SELECT jsonb_agg(
            jsonb_build_object(
                'leg_id', legs.leg_id,
                'departure', jsonb_build_object(
                    'airport', legs.departure_airport,
                    'name', departure.name,
                    'city', departure.city,
                    'local_time', legs.departure_local
                ),
                'arrival', jsonb_build_object(
                    'airport', legs.arrival_airport,
                    'name', arrival.name,
                    'city', arrival.city,
                    'local_time', legs.arrival_local
                ),
                'airline', (
                    SELECT airlines.name
                    FROM flights.airlines
                    WHERE airlines.airline_id = legs.airline_id
                    ORDER BY airlines.seen_from_at DESC
                    LIMIT 1
                ),
                'airline_id', legs.airline_id,
                'stops', legs.stops,
                'duration_minutes', legs.duration_minutes
            )
            ORDER BY itinerary_legs.leg_number
        )
        FROM flights.itinerary_legs
        INNER JOIN flights.legs
            ON itinerary_legs.leg_id = legs.leg_id
            AND itinerary_legs.leg_seen_from_at = legs.seen_from_at
        LEFT JOIN flights.airports AS departure
            ON legs.departure_airport = departure.airport_code
        LEFT JOIN flights.airports AS arrival ON legs.arrival_airport = arrival.airport_code
        WHERE itinerary_legs.itinerary_id = itineraries.itinerary_id
    )
FROM enriched.itineraries
WHERE itineraries.itinerary_id = $1
$$;

COMMENT ON FUNCTION enriched.itinerary(text) IS
'Returns one itinerary with its legs by id: one row, or no row if the id is unknown. The column legs
is a list of objects, in the order of the legs. Each object has leg_id; departure and arrival, each
with airport (IATA code), name, city and local_time; airline and airline_id; stops;
duration_minutes. To get several itineraries: FROM enriched.itineraries AS one,
enriched.itinerary(one.itinerary_id).
Example: SELECT * FROM enriched.itinerary((SELECT min(itinerary_id) FROM enriched.itineraries));';
