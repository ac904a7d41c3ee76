-- Rebuilds the touched itineraries from their last accepted offer, and the legs as of then. The record of an
-- offer is accepted where its period begins; it may have been rejected since, up to the last snapshot. Nearly all
-- offers fly one route, so periods are summed by itinerary alone: windows by route sorted them twice. The last
-- period is joined by >= because the planner expects hardly any row from two equalities.
CREATE TEMP TABLE last_offers ON COMMIT DROP AS
SELECT
    offers.itinerary_id, offers.agent, offers.agent_rating, offers.price_amount, offers.price_currency,
    offers.leg_ids, offers.seen_until_at, offers.first_seen_at, offers.first_accepted_at, offers.delivery_id,
    CASE
        WHEN rejected.reason IS NULL THEN offers.last_at
        ELSE (
            SELECT max(snapshots.snapshot_at)
            FROM flights.snapshots
            WHERE snapshots.is_loaded
                AND snapshots.snapshot_at >= offers.seen_from_at
                AND snapshots.snapshot_at < offers.last_at
                AND NOT EXISTS (
                    SELECT FROM flights.rejected_offers AS earlier
                    WHERE earlier.itinerary_id = offers.itinerary_id
                        AND earlier.snapshot_at = snapshots.snapshot_at
                )
        )
    END AS accepted_at
FROM (
    SELECT
        prices.*,
        coalesce(prices.seen_until_at, :snapshot_at) AS last_at,
        periods.first_seen_at,
        CASE
            WHEN periods.has_one_route THEN periods.first_seen_at
            ELSE (
                SELECT min(same.seen_from_at)
                FROM flights.prices AS same
                WHERE same.itinerary_id = prices.itinerary_id
                    AND same.route IS NOT DISTINCT FROM prices.route
            )
        END AS first_accepted_at
    FROM (
        SELECT
            itinerary_id,
            min(seen_from_at) AS first_seen_at,
            max(seen_from_at) AS last_from_at,
            min(coalesce(route, '')) = max(coalesce(route, '')) AS has_one_route
        FROM flights.prices
        INNER JOIN touched USING (itinerary_id)
        GROUP BY itinerary_id
    ) AS periods
    INNER JOIN flights.prices
        ON periods.itinerary_id = prices.itinerary_id AND prices.seen_from_at >= periods.last_from_at
) AS offers
LEFT JOIN flights.rejected_offers AS rejected
    ON offers.itinerary_id = rejected.itinerary_id AND offers.last_at = rejected.snapshot_at;

-- If many itineraries are touched, the planner would look up each leg separately and rely on
-- Memoize.
SET LOCAL enable_memoize = off;

CREATE TEMP TABLE flown ON COMMIT DROP AS
SELECT
    last_offers.itinerary_id, part.leg_number,
    part.leg_number = cardinality(last_offers.leg_ids) AND part.leg_number > 1 AS is_return,
    legs.leg_id, legs.seen_from_at, legs.stops,
    legs.airline_id,
    airline.name AS airline,
    legs.departure_airport,
    legs.arrival_airport,
    legs.departure_local::date AS departure_on,
    coalesce(
        legs.departure_at, (legs.departure_local::date + 1)::timestamp AT TIME ZONE 'UTC'
    ) AS departs_at,
    CASE
        WHEN legs.time_verdict <> 'impossible' THEN legs.elapsed_minutes
        ELSE legs.duration_minutes
    END AS travel_minutes,
    coalesce(legs.time_verdict = 'impossible', FALSE) AS is_impossible,
    greatest(last_offers.delivery_id, legs.delivery_id) AS delivery_id
FROM last_offers
CROSS JOIN LATERAL unnest(last_offers.leg_ids) WITH ORDINALITY AS part (leg_id, leg_number)
INNER JOIN flights.legs
    ON part.leg_id = legs.leg_id
    AND legs.seen_from_at <= last_offers.accepted_at
    AND coalesce(legs.seen_until_at, 'infinity') >= last_offers.accepted_at
INNER JOIN (
    SELECT DISTINCT ON (airline_id) airline_id, name
    FROM flights.airlines
    ORDER BY airline_id, seen_from_at DESC
) AS airline ON legs.airline_id = airline.airline_id;

-- Most touched itineraries have another price and the same legs, which are not written again.
DELETE FROM flights.itinerary_legs AS stored
WHERE stored.itinerary_id IN (SELECT itinerary_id FROM touched)
    AND NOT EXISTS (
        SELECT FROM flown
        WHERE flown.itinerary_id = stored.itinerary_id
            AND flown.leg_number = stored.leg_number
            AND flown.leg_id = stored.leg_id
            AND flown.seen_from_at = stored.leg_seen_from_at
    );

DELETE FROM flights.itineraries WHERE itinerary_id IN (SELECT itinerary_id FROM touched);

INSERT INTO flights.itineraries (
    itinerary_id, agent, agent_rating, price_amount, price_currency, leg_count, max_stops, airlines,
    airline_ids, route, leg_stops, origin_airport, destination_airport, departure_on, departs_at,
    return_on, total_duration_minutes, longest_leg_minutes, is_inconsistent, first_seen_at, first_accepted_at,
    last_accepted_at, last_seen_at, withdrawn_at, delivery_id
)
SELECT
    itinerary_id, last_offers.agent, last_offers.agent_rating, last_offers.price_amount,
    last_offers.price_currency, cardinality(last_offers.leg_ids), summed.max_stops, summed.airlines,
    summed.airline_ids, summed.route, summed.leg_stops, summed.origin_airport,
    summed.destination_airport, summed.departure_on, summed.departs_at, summed.return_on,
    summed.total_duration_minutes, summed.longest_leg_minutes, summed.is_inconsistent, last_offers.first_seen_at,
    last_offers.first_accepted_at, nullif(last_offers.accepted_at, :snapshot_at),
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
        string_agg(departure_airport || '-' || arrival_airport, ', ' ORDER BY leg_number) AS route,
        array_agg(stops ORDER BY leg_number) AS leg_stops,
        min(departure_airport) FILTER (WHERE leg_number = 1) AS origin_airport,
        min(arrival_airport) FILTER (WHERE leg_number = 1) AS destination_airport,
        min(departure_on) FILTER (WHERE leg_number = 1) AS departure_on,
        min(departs_at) FILTER (WHERE leg_number = 1) AS departs_at,
        min(departure_on) FILTER (WHERE is_return) AS return_on,
        sum(travel_minutes) AS total_duration_minutes,
        max(travel_minutes) AS longest_leg_minutes,
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
FROM flown
WHERE NOT EXISTS (
    SELECT FROM flights.itinerary_legs AS stored
    WHERE stored.itinerary_id = flown.itinerary_id AND stored.leg_number = flown.leg_number
);
