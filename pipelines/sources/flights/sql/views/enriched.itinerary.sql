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
    itineraries.itinerary_id, itineraries.agent, itineraries.agent_rating, itineraries.price_amount,
    itineraries.price_currency, itineraries.route, itineraries.first_seen_at,
    itineraries.last_seen_at, itineraries.withdrawn_at,
    (
        SELECT jsonb_agg(
            jsonb_build_object(
                'leg_id', legs.leg_id,
                'departure', jsonb_build_object(
                    'airport', legs.departure_airport,
                    'name', (
                        SELECT name FROM flights.airports WHERE airport_code = legs.departure_airport
                    ),
                    'city', legs.departure_city,
                    'local_time', legs.departure_local
                ),
                'arrival', jsonb_build_object(
                    'airport', legs.arrival_airport,
                    'name', (
                        SELECT name FROM flights.airports WHERE airport_code = legs.arrival_airport
                    ),
                    'city', legs.arrival_city,
                    'local_time', legs.arrival_local
                ),
                'airline', legs.airline_name,
                'airline_id', legs.airline_id,
                'stops', legs.stops,
                'duration_minutes', legs.duration_minutes
            )
            ORDER BY legs.leg_number
        )
        FROM enriched.itinerary_legs AS legs
        WHERE legs.itinerary_id = itineraries.itinerary_id
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
