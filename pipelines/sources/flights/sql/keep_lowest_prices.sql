-- Keeps the lowest prices of a snapshot, once its itineraries are refreshed. Forgets those of later ones, which
-- are applied again, and of those older than what usual prices are made of.
DELETE FROM flights.lowest_prices
WHERE snapshot_at >= :snapshot_at OR snapshot_at < :snapshot_at - interval '61 days';

-- After airports were loaded, the kept ones have the cities that they serve now.
UPDATE flights.lowest_prices
SET from_city = origin.served_city, to_city = destination.served_city
FROM flights.airports AS origin, flights.airports AS destination
WHERE (SELECT max(delivery_id) FROM flights.airports) > (
        SELECT max(delivery_id) FROM ops.deliveries WHERE feed = 'flights' AND delivery_id < :delivery_id
    )
    AND lowest_prices.departure_airport = origin.airport_code
    AND lowest_prices.arrival_airport = destination.airport_code
    AND (lowest_prices.from_city <> origin.served_city OR lowest_prices.to_city <> destination.served_city);

INSERT INTO flights.lowest_prices (
    from_city, to_city, trip, price_currency, weeks_before_departure, snapshot_at, departure_on,
    departure_airport, arrival_airport, lowest_price, offers
)
SELECT
    coalesce(origin.served_city, itineraries.origin_airport),
    coalesce(destination.served_city, itineraries.destination_airport),
    CASE
        WHEN itineraries.leg_count = 1 THEN 'one-way'
        WHEN
            coalesce(home.served_city, right(itineraries.route, 3))
            = coalesce(origin.served_city, itineraries.origin_airport) THEN 'round trip'
        ELSE 'other'
    END,
    itineraries.price_currency,
    floor(extract(EPOCH FROM itineraries.departs_at - :snapshot_at) / 604800),
    :snapshot_at, itineraries.departure_on, itineraries.origin_airport,
    itineraries.destination_airport, min(itineraries.price_amount), count(*)
FROM flights.itineraries
LEFT JOIN flights.airports AS origin ON itineraries.origin_airport = origin.airport_code
LEFT JOIN flights.airports AS destination
    ON itineraries.destination_airport = destination.airport_code
LEFT JOIN flights.airports AS home ON right(itineraries.route, 3) = home.airport_code
WHERE itineraries.last_accepted_at IS NULL AND itineraries.departs_at > :snapshot_at
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
