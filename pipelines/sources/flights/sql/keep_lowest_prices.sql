-- Keeps the lowest prices of a snapshot, once its itineraries are refreshed. Forgets those of later ones, which
-- are applied again, and of those older than what usual prices are made of.
DELETE FROM flights.lowest_prices
WHERE snapshot_at >= :snapshot_at OR snapshot_at < :snapshot_at - interval '61 days';

INSERT INTO flights.lowest_prices (
    snapshot_at, origin_airport, destination_airport, trip, departure_on, weeks_before_departure,
    price_currency, lowest_price, offers
)
SELECT
    :snapshot_at, itineraries.origin_airport, itineraries.destination_airport,
    CASE
        WHEN itineraries.leg_count = 1 THEN 'one-way'
        WHEN
            coalesce(home.served_city, right(itineraries.route, 3))
            = coalesce(origin.served_city, itineraries.origin_airport) THEN 'round trip'
        ELSE 'other'
    END,
    itineraries.departure_on,
    floor(extract(EPOCH FROM itineraries.departs_at - :snapshot_at) / 604800),
    itineraries.price_currency, min(itineraries.price_amount), count(*)
FROM flights.itineraries
LEFT JOIN flights.airports AS origin ON itineraries.origin_airport = origin.airport_code
LEFT JOIN flights.airports AS home ON right(itineraries.route, 3) = home.airport_code
WHERE itineraries.last_accepted_at IS NULL AND itineraries.departs_at > :snapshot_at
GROUP BY 2, 3, 4, 5, 6, 7;
