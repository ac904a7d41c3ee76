-- One relation, so that a query may join it to enriched.itinerary_legs, which has seven.
CREATE OR REPLACE VIEW enriched.itineraries AS
SELECT
    itinerary_id,
    agent,
    agent_rating,
    price_amount,
    price_currency,
    leg_count,
    max_stops,
    airlines,
    airline_ids,
    route,
    leg_stops,
    first_seen_at,
    coalesce(last_seen_at, (SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded)) AS last_seen_at,
    withdrawn_at,
    (first_seen_at AT TIME ZONE 'UTC')::date AS first_seen_on,
    (
        coalesce(last_seen_at, (SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded))
        AT TIME ZONE 'UTC'
    )::date AS last_seen_on,
    (withdrawn_at AT TIME ZONE 'UTC')::date AS withdrawn_on,
    departure_on,
    return_on,
    origin_airport,
    (
        SELECT airports.city FROM flights.airports WHERE airports.airport_code = origin_airport
    ) AS origin_city,
    destination_airport,
    (
        SELECT airports.city FROM flights.airports WHERE airports.airport_code = destination_airport
    ) AS destination_city,
    total_duration_minutes,
    EXISTS (
        SELECT FROM flights.itinerary_legs AS parts
        INNER JOIN flights.legs ON parts.leg_id = legs.leg_id AND parts.leg_seen_from_at = legs.seen_from_at
        WHERE parts.itinerary_id = itineraries.itinerary_id AND legs.time_verdict = 'impossible'
    ) AS is_inconsistent
FROM flights.itineraries;

COMMENT ON VIEW enriched.itineraries IS
'Every itinerary ever seen, one row each, as last seen. Filter and order by any column.';
COMMENT ON COLUMN enriched.itineraries.itinerary_id IS 'The source''s id of the itinerary.';
COMMENT ON COLUMN enriched.itineraries.agent IS 'Who sells it.';
COMMENT ON COLUMN enriched.itineraries.agent_rating IS
'The agent''s rating there, 0 to 10; null where none was sent.';
COMMENT ON COLUMN enriched.itineraries.price_amount IS 'Last price, in price_currency.';
COMMENT ON COLUMN enriched.itineraries.price_currency IS 'ISO 4217 code.';
COMMENT ON COLUMN enriched.itineraries.leg_count IS 'How many legs it has.';
COMMENT ON COLUMN enriched.itineraries.max_stops IS
'Most stops on any of its legs; 0 when all are direct.';
COMMENT ON COLUMN enriched.itineraries.airlines IS 'Names of its airlines, each once.';
COMMENT ON COLUMN enriched.itineraries.airline_ids IS
'The source''s codes of its airlines, each once; not IATA codes.';
COMMENT ON COLUMN enriched.itineraries.route IS 'Its legs in order: BUD-LTN, LTN-BUD.';
COMMENT ON COLUMN enriched.itineraries.leg_stops IS
'Stops on each of its legs, in their order; 0 is direct. Any leg with one stop: 1 = ANY(leg_stops).';
COMMENT ON COLUMN enriched.itineraries.first_seen_at IS 'The first snapshot with it.';
COMMENT ON COLUMN enriched.itineraries.last_seen_at IS 'The last snapshot with it.';
COMMENT ON COLUMN enriched.itineraries.withdrawn_at IS
'The first snapshot without it; null while it is offered.';
COMMENT ON COLUMN enriched.itineraries.first_seen_on IS 'Day (UTC) of the first snapshot with it.';
COMMENT ON COLUMN enriched.itineraries.last_seen_on IS 'Day (UTC) of the last snapshot with it.';
COMMENT ON COLUMN enriched.itineraries.withdrawn_on IS
'Day (UTC) of the first snapshot without it; null while it is offered.';
COMMENT ON COLUMN enriched.itineraries.departure_on IS
'Day on which its first leg departs, on the clocks there.';
COMMENT ON COLUMN enriched.itineraries.return_on IS
'Day on which its last leg departs, on the clocks there; null where there is one leg alone.';
COMMENT ON COLUMN enriched.itineraries.origin_airport IS
'IATA code of the airport where its first leg begins.';
COMMENT ON COLUMN enriched.itineraries.origin_city IS
'City of origin_airport; null where the airport is not known.';
COMMENT ON COLUMN enriched.itineraries.destination_airport IS
'IATA code of the airport where its first leg ends: a leg is one direction, stops included.';
COMMENT ON COLUMN enriched.itineraries.destination_city IS
'City of destination_airport; null where the airport is not known.';
COMMENT ON COLUMN enriched.itineraries.total_duration_minutes IS
'Sum over its legs of the time from departure to arrival, layovers included, minutes; without the stay
at the destination. The stated duration counts for a leg whose time zones are not known or whose times
are impossible.';
COMMENT ON COLUMN enriched.itineraries.is_inconsistent IS
'True where the times of a leg contradict its stated duration (enriched.itinerary_legs.time_verdict): ask
the agent before you book it.';
