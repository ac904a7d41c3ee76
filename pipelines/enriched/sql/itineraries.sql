CREATE OR REPLACE VIEW enriched.itineraries AS
SELECT
    itineraries.itinerary_id,
    itineraries.agent,
    itineraries.agent_rating,
    price.price_amount,
    price.price_currency,
    itineraries.leg_count::integer AS leg_count,
    flown.max_stops,
    flown.airlines,
    flown.airline_ids,
    flown.route,
    itineraries.first_seen_on,
    coalesce(itineraries.last_seen_on, latest.snapshot_on) AS last_seen_on,
    CASE
        WHEN itineraries.last_seen_on IS NOT NULL THEN (
            SELECT min(later.snapshot_on)
            FROM flights.snapshots AS later
            WHERE later.snapshot_on > itineraries.last_seen_on
        )
    END AS withdrawn_on
FROM flights.itineraries
CROSS JOIN (SELECT max(snapshot_on) AS snapshot_on FROM flights.snapshots) AS latest
LEFT JOIN LATERAL (
    SELECT
        prices.price_amount,
        prices.price_currency
    FROM flights.prices
    WHERE prices.itinerary_id = itineraries.itinerary_id
    ORDER BY prices.seen_from_on DESC
    LIMIT 1
) AS price ON TRUE
LEFT JOIN LATERAL (
    SELECT
        max(legs.stops)::integer AS max_stops,
        array_agg(DISTINCT airlines.name) AS airlines,
        array_agg(DISTINCT legs.airline_id) AS airline_ids,
        string_agg(
            legs.departure_airport || '-' || legs.arrival_airport,
            ', '
            ORDER BY itinerary_legs.leg_number
        ) AS route
    FROM flights.itinerary_legs
    INNER JOIN flights.legs USING (leg_id)
    INNER JOIN flights.airlines USING (airline_id)
    WHERE itinerary_legs.itinerary_id = itineraries.itinerary_id
) AS flown ON TRUE;

COMMENT ON VIEW enriched.itineraries IS
'Every itinerary ever seen, one row each, as last seen. Filter and order by any column.';
COMMENT ON COLUMN enriched.itineraries.itinerary_id IS 'The source''s id of the itinerary.';
COMMENT ON COLUMN enriched.itineraries.agent IS 'Who sells it.';
COMMENT ON COLUMN enriched.itineraries.agent_rating IS 'The agent''s rating, 0 to 10.';
COMMENT ON COLUMN enriched.itineraries.price_amount IS 'Last price, in price_currency.';
COMMENT ON COLUMN enriched.itineraries.price_currency IS 'ISO 4217 code.';
COMMENT ON COLUMN enriched.itineraries.leg_count IS 'How many legs it has.';
COMMENT ON COLUMN enriched.itineraries.max_stops IS
'Most stops on any of its legs; 0 when all are direct.';
COMMENT ON COLUMN enriched.itineraries.airlines IS 'Names of its airlines, each once.';
COMMENT ON COLUMN enriched.itineraries.airline_ids IS
'The source''s codes of its airlines, each once.';
COMMENT ON COLUMN enriched.itineraries.route IS 'Its legs in order: BUD-LTN, LTN-BUD.';
COMMENT ON COLUMN enriched.itineraries.first_seen_on IS 'Day of the first snapshot with it.';
COMMENT ON COLUMN enriched.itineraries.last_seen_on IS 'Day of the last snapshot with it.';
COMMENT ON COLUMN enriched.itineraries.withdrawn_on IS
'Day of the first snapshot without it; null while it is offered.';
