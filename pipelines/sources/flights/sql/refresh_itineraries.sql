-- Itineraries to rebuild: those whose offer changed, or one of their legs or its airline.
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT itinerary_id FROM touched_prices
UNION
SELECT itinerary_legs.itinerary_id
FROM flights.itinerary_legs
WHERE itinerary_legs.leg_id IN (SELECT leg_id FROM touched_legs)
UNION
SELECT itinerary_legs.itinerary_id
FROM flights.itinerary_legs
INNER JOIN flights.legs
    ON itinerary_legs.leg_id = legs.leg_id AND itinerary_legs.leg_seen_from_at = legs.seen_from_at
WHERE legs.airline_id IN (SELECT airline_id FROM touched_airlines);

ANALYZE touched;

-- Rebuild the touched itineraries from their last offer and the legs as of that offer.
CREATE TEMP TABLE last_offers ON COMMIT DROP AS
SELECT DISTINCT ON (prices.itinerary_id)
    prices.*,
    min(prices.seen_from_at) OVER (PARTITION BY prices.itinerary_id) AS first_seen_at
FROM flights.prices
INNER JOIN touched USING (itinerary_id)
ORDER BY prices.itinerary_id, prices.seen_from_at DESC;

-- If many itineraries are touched, the planner would look up each leg separately and rely on
-- Memoize.
SET LOCAL enable_memoize = off;

CREATE TEMP TABLE flown ON COMMIT DROP AS
SELECT
    last_offers.itinerary_id, part.leg_number, legs.leg_id, legs.seen_from_at, legs.stops,
    legs.airline_id,
    airline.name AS airline,
    legs.departure_airport,
    legs.arrival_airport,
    legs.departure_local::date AS departure_on,
    CASE
        WHEN legs.time_verdict <> 'impossible' THEN legs.elapsed_minutes
        ELSE legs.duration_minutes
    END AS travel_minutes,
    legs.departure_airport || '-' || legs.arrival_airport AS hop,
    coalesce(legs.time_verdict = 'impossible', FALSE) AS is_impossible,
    greatest(last_offers.delivery_id, legs.delivery_id) AS delivery_id
FROM last_offers
CROSS JOIN LATERAL unnest(last_offers.leg_ids) WITH ORDINALITY AS part (leg_id, leg_number)
INNER JOIN flights.legs
    ON part.leg_id = legs.leg_id
    AND legs.seen_from_at <= coalesce(last_offers.seen_until_at, 'infinity')
    AND coalesce(legs.seen_until_at, 'infinity') >= coalesce(last_offers.seen_until_at, 'infinity')
INNER JOIN (
    SELECT DISTINCT ON (airline_id) airline_id, name
    FROM flights.airlines
    ORDER BY airline_id, seen_from_at DESC
) AS airline ON legs.airline_id = airline.airline_id;

DELETE FROM flights.itinerary_legs WHERE itinerary_id IN (SELECT itinerary_id FROM touched);

DELETE FROM flights.itineraries WHERE itinerary_id IN (SELECT itinerary_id FROM touched);

INSERT INTO flights.itineraries (
    itinerary_id, agent, agent_rating, price_amount, price_currency, leg_count, max_stops, airlines,
    airline_ids, route, leg_stops, origin_airport, destination_airport, departure_on, return_on,
    total_duration_minutes, is_inconsistent, first_seen_at, last_seen_at, withdrawn_at, delivery_id
)
SELECT
    itinerary_id, last_offers.agent, last_offers.agent_rating, last_offers.price_amount,
    last_offers.price_currency, cardinality(last_offers.leg_ids), summed.max_stops, summed.airlines,
    summed.airline_ids, summed.route, summed.leg_stops, summed.origin_airport,
    summed.destination_airport, summed.departure_on, summed.return_on,
    summed.total_duration_minutes, summed.is_inconsistent, last_offers.first_seen_at,
    last_offers.seen_until_at,
    (
        SELECT min(snapshots.snapshot_at)
        FROM flights.snapshots
        WHERE snapshots.snapshot_at > last_offers.seen_until_at AND snapshots.is_loaded
    ),
    summed.delivery_id
FROM last_offers
INNER JOIN (
    SELECT
        itinerary_id,
        max(stops) AS max_stops,
        array_agg(DISTINCT airline) AS airlines,
        array_agg(DISTINCT airline_id) AS airline_ids,
        string_agg(hop, ', ' ORDER BY leg_number) AS route,
        array_agg(stops ORDER BY leg_number) AS leg_stops,
        (array_agg(departure_airport ORDER BY leg_number))[1] AS origin_airport,
        (array_agg(arrival_airport ORDER BY leg_number))[1] AS destination_airport,
        (array_agg(departure_on ORDER BY leg_number))[1] AS departure_on,
        CASE WHEN count(*) > 1 THEN (array_agg(departure_on ORDER BY leg_number DESC))[1] END AS return_on,
        sum(travel_minutes) AS total_duration_minutes,
        bool_or(is_impossible) AS is_inconsistent,
        max(delivery_id) AS delivery_id
    FROM flown
    GROUP BY itinerary_id
) AS summed USING (itinerary_id);

INSERT INTO flights.itinerary_legs (
    itinerary_id, leg_number, leg_id, leg_seen_from_at, delivery_id
)
SELECT
    itinerary_id, leg_number, leg_id, seen_from_at, delivery_id
FROM flown;
