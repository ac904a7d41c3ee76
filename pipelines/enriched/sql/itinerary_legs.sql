CREATE OR REPLACE VIEW enriched.itinerary_legs AS
SELECT
    itinerary_legs.itinerary_id,
    itinerary_legs.leg_number::integer AS leg_number,
    itinerary_legs.leg_id,
    legs.departure_airport,
    legs.arrival_airport,
    departure.city AS departure_city,
    arrival.city AS arrival_city,
    legs.departure_local,
    legs.arrival_local,
    legs.departure_at,
    legs.arrival_at,
    legs.stops::integer AS stops,
    legs.airline_id,
    airlines.name AS airline_name,
    'https://logos.skyscnr.com/images/airlines/favicon/'
    || legs.airline_id || '.png' AS airline_logo_url,
    legs.duration_minutes,
    legs.elapsed_minutes,
    legs.layover_minutes,
    legs.time_verdict
FROM flights.itinerary_legs
INNER JOIN flights.legs
    ON itinerary_legs.leg_id = legs.leg_id AND itinerary_legs.leg_seen_from_on = legs.seen_from_on
LEFT JOIN LATERAL (
    SELECT named.name
    FROM flights.airlines AS named
    WHERE named.airline_id = legs.airline_id
    ORDER BY named.seen_from_on DESC
    LIMIT 1
) AS airlines ON TRUE
LEFT JOIN flights.airports AS departure ON legs.departure_airport = departure.airport_code
LEFT JOIN flights.airports AS arrival ON legs.arrival_airport = arrival.airport_code;

COMMENT ON VIEW enriched.itinerary_legs IS
'The legs of every itinerary in their order, as last seen, with airports, airline and times.';
COMMENT ON COLUMN enriched.itinerary_legs.itinerary_id IS 'The itinerary.';
COMMENT ON COLUMN enriched.itinerary_legs.leg_number IS 'Place in the itinerary, from 1.';
COMMENT ON COLUMN enriched.itinerary_legs.leg_id IS
'The source''s id of the leg; several itineraries may share one.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_airport IS 'IATA code.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_airport IS 'IATA code.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_city IS
'City of the departure; null where the airport is not known.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_city IS
'City of the arrival; null where the airport is not known.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_local IS
'Departure on the clocks there, as sent.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_local IS 'Arrival on the clocks there, as sent.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_at IS
'Departure as an instant; null where the airport''s zone is not known.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_at IS
'Arrival as an instant; null where the airport''s zone is not known.';
COMMENT ON COLUMN enriched.itinerary_legs.stops IS 'Stops on the way; 0 is direct.';
COMMENT ON COLUMN enriched.itinerary_legs.airline_id IS
'The source''s code of the airline; not the IATA code.';
COMMENT ON COLUMN enriched.itinerary_legs.airline_name IS 'Name of the airline.';
COMMENT ON COLUMN enriched.itinerary_legs.airline_logo_url IS 'A small picture of its logo.';
COMMENT ON COLUMN enriched.itinerary_legs.duration_minutes IS 'Time in the air, as stated.';
COMMENT ON COLUMN enriched.itinerary_legs.elapsed_minutes IS
'From departure to arrival; null where a zone is not known.';
COMMENT ON COLUMN enriched.itinerary_legs.layover_minutes IS
'Elapsed less stated time on legs with stops; null on others and where it makes no sense.';
COMMENT ON COLUMN enriched.itinerary_legs.time_verdict IS
'consistent: elapsed is what was stated; includes_layover: more, on a leg with stops; impossible:
anything else, an error of the source; null where a zone is not known.';
