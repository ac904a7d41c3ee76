-- What filters offer: each list apart, because lists of distinct values in one pass are sorted.
SELECT
    (
        SELECT array_agg(DISTINCT coalesce(city, origin_airport))
        FROM (SELECT DISTINCT origin_airport FROM flights.itineraries) AS found
        LEFT JOIN flights.airports ON airport_code = origin_airport
    ) AS origins,
    (
        SELECT array_agg(DISTINCT coalesce(city, destination_airport))
        FROM (SELECT DISTINCT destination_airport FROM flights.itineraries) AS found
        LEFT JOIN flights.airports ON airport_code = destination_airport
    ) AS destinations,
    (
        SELECT array_agg(origin_airport ORDER BY origin_airport)
        FROM (SELECT DISTINCT origin_airport FROM flights.itineraries) AS found
    ) AS origin_airports,
    (
        SELECT array_agg(destination_airport ORDER BY destination_airport)
        FROM (SELECT DISTINCT destination_airport FROM flights.itineraries) AS found
    ) AS destination_airports,
    (
        SELECT array_agg(route ORDER BY route)
        FROM (SELECT DISTINCT route FROM flights.itineraries) AS found
    ) AS routes,
    (
        SELECT array_agg(agent ORDER BY agent)
        FROM (SELECT DISTINCT agent FROM flights.itineraries) AS found
    ) AS agents,
    (
        SELECT array_agg(DISTINCT airline ORDER BY airline)
        FROM (SELECT DISTINCT airlines FROM flights.itineraries) AS found
        CROSS JOIN unnest(airlines) AS airline
    ) AS airlines,
    (
        SELECT array_agg(price_currency ORDER BY price_currency)
        FROM (SELECT DISTINCT price_currency FROM flights.itineraries) AS found
    ) AS currencies,
    min(departure_on) AS first_departure_on,
    max(departure_on) AS last_departure_on
FROM flights.itineraries
HAVING count(*) > 0;
