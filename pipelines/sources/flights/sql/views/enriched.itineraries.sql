-- A single relation, so that a query can join it to enriched.itinerary_legs, which has seven.
CREATE OR REPLACE VIEW enriched.itineraries AS
SELECT
    itinerary_id, agent, agent_rating, price_amount, price_currency, leg_count, max_stops, airlines,
    airline_ids, route, leg_stops, first_seen_at,
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
    is_inconsistent,
    array_to_string(airlines, ', ') AS airline_names,
    array_to_string(leg_stops, ', ') AS stops_by_leg
FROM flights.itineraries;

COMMENT ON VIEW enriched.itineraries IS
'Every itinerary of which a record was ever accepted, one row each, with its last accepted values.
If its last record was rejected, they are older than last_seen_at: metrics.flight_prices says so by
a rejection_reason. You can filter and sort by any column.';
COMMENT ON COLUMN enriched.itineraries.agent IS 'Agent that sells the itinerary.';
COMMENT ON COLUMN enriched.itineraries.price_currency IS 'ISO 4217 code.';
COMMENT ON COLUMN enriched.itineraries.route IS 'Legs in order, for example "BUD-LTN, LTN-BUD".';
COMMENT ON COLUMN enriched.itineraries.leg_stops IS
'Stops on each leg, in the order of the legs; 0 is direct. To find itineraries with a leg of one
stop: 1 = ANY(leg_stops).';
COMMENT ON COLUMN enriched.itineraries.last_seen_at IS
'Time of the last snapshot that contains the itinerary, even if its record there was rejected.';
COMMENT ON COLUMN enriched.itineraries.withdrawn_at IS
'Time of the first snapshot without the itinerary; null while it is on offer. An itinerary also
disappears when it departs: compare withdrawn_on with departure_on.';
COMMENT ON COLUMN enriched.itineraries.first_seen_on IS 'UTC date of first_seen_at.';
COMMENT ON COLUMN enriched.itineraries.last_seen_on IS 'UTC date of last_seen_at.';
COMMENT ON COLUMN enriched.itineraries.withdrawn_on IS
'UTC date of withdrawn_at; null while the itinerary is on offer.';
COMMENT ON COLUMN enriched.itineraries.origin_city IS
'City of origin_airport; null if the airport is unknown.';
COMMENT ON COLUMN enriched.itineraries.destination_city IS
'City of destination_airport; null if the airport is unknown.';
COMMENT ON COLUMN enriched.itineraries.is_inconsistent IS
'True if the times of a leg contradict its stated duration
(enriched.itinerary_legs.time_verdict). Check with the agent before you book.';
COMMENT ON COLUMN enriched.itineraries.airline_names IS
'airlines as a text, separated by commas, for tools without arrays. Legs as rows:
enriched.itinerary_legs.';
COMMENT ON COLUMN enriched.itineraries.stops_by_leg IS
'leg_stops as a text, separated by commas.';
