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
    array_to_string(leg_stops, ', ') AS stops_by_leg,
    first_accepted_at,
    coalesce(last_accepted_at, (SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded))
        AS last_accepted_at,
    last_accepted_at IS NULL AND departs_at > now() AS on_offer,
    departs_at,
    leg_stops[1] AS outbound_stops,
    (first_accepted_at AT TIME ZONE 'UTC')::date AS first_accepted_on,
    longest_leg_minutes,
    coalesce(
        (SELECT airports.served_city FROM flights.airports WHERE airports.airport_code = origin_airport),
        origin_airport
    ) AS from_city,
    coalesce(
        (
            SELECT airports.served_city FROM flights.airports
            WHERE airports.airport_code = destination_airport
        ),
        destination_airport
    ) AS to_city,
    CASE
        WHEN leg_count = 1 THEN 'one-way'
        WHEN coalesce(
            (SELECT airports.served_city FROM flights.airports WHERE airports.airport_code = right(route, 3)),
            right(route, 3)
        ) = coalesce(
            (SELECT airports.served_city FROM flights.airports WHERE airports.airport_code = origin_airport),
            origin_airport
        ) THEN 'round trip'
        ELSE 'other'
    END AS trip
FROM flights.itineraries;

COMMENT ON VIEW enriched.itineraries IS
'Every itinerary of which a record was ever accepted, one row each, with its last accepted values and
legs. If its last record was rejected, they are older than last_seen_at: last_accepted_at says of when.
on_offer is true for what can be had now. You can filter and sort by any column.';
COMMENT ON COLUMN enriched.itineraries.agent IS 'Agent that sells the itinerary.';
COMMENT ON COLUMN enriched.itineraries.price_currency IS 'ISO 4217 code.';
COMMENT ON COLUMN enriched.itineraries.route IS 'Legs in order, for example "BUD-LTN, LTN-BUD".';
COMMENT ON COLUMN enriched.itineraries.leg_stops IS
'Stops on each leg, in the order of the legs; 0 is direct. To find itineraries with a leg of one
stop: 1 = ANY(leg_stops).';
COMMENT ON COLUMN enriched.itineraries.last_seen_at IS
'Time of the last snapshot that contains the itinerary, even if its record there was rejected.';
COMMENT ON COLUMN enriched.itineraries.withdrawn_at IS
'Time of the first snapshot without the itinerary; null while the newest one contains it, even if its
record is rejected there or it has departed: on_offer leaves both out. An itinerary also disappears
when it departs: compare withdrawn_on with departure_on.';
COMMENT ON COLUMN enriched.itineraries.first_seen_on IS 'UTC date of first_seen_at.';
COMMENT ON COLUMN enriched.itineraries.last_seen_on IS 'UTC date of last_seen_at.';
COMMENT ON COLUMN enriched.itineraries.withdrawn_on IS
'UTC date of withdrawn_at; null while the newest snapshot contains the itinerary. See on_offer.';
COMMENT ON COLUMN enriched.itineraries.origin_city IS
'City where origin_airport is; null if the airport is unknown. Better: from_city, which has the country,
and is Toronto for the airport in Mississauga.';
COMMENT ON COLUMN enriched.itineraries.destination_city IS
'City where destination_airport is; null if the airport is unknown. Better: to_city.';
COMMENT ON COLUMN enriched.itineraries.is_inconsistent IS
'True if the times of a leg contradict its stated duration
(enriched.itinerary_legs.time_verdict). Check with the agent before you book.';
COMMENT ON COLUMN enriched.itineraries.airline_names IS
'airlines as a text, separated by commas, for tools without arrays. Legs as rows:
enriched.itinerary_legs.';
COMMENT ON COLUMN enriched.itineraries.stops_by_leg IS
'leg_stops as a text, separated by commas.';
COMMENT ON COLUMN enriched.itineraries.first_accepted_at IS
'Time of the first snapshot that offered this route under this id and was accepted. first_seen_at is
that of the id, which may have been another offer then.';
COMMENT ON COLUMN enriched.itineraries.last_accepted_at IS
'Time of the last snapshot whose record of the itinerary was accepted: price, agent, legs and route are
of then.';
COMMENT ON COLUMN enriched.itineraries.on_offer IS
'True if the newest snapshot offers the itinerary in an accepted record, and it has not departed.';
COMMENT ON COLUMN enriched.itineraries.first_accepted_on IS 'UTC date of first_accepted_at.';
COMMENT ON COLUMN enriched.itineraries.outbound_stops IS 'Stops of the first leg; 0 is direct.';
COMMENT ON COLUMN enriched.itineraries.from_city IS
'City and country that origin_airport serves, such as London, GB: the city of IATA''s city code if it has
several airports. The code of the airport if it is unknown.';
COMMENT ON COLUMN enriched.itineraries.to_city IS
'City and country that destination_airport serves, as from_city.';
COMMENT ON COLUMN enriched.itineraries.trip IS
'one-way: a single leg; round trip: the last leg ends in from_city; other: it ends elsewhere.';
