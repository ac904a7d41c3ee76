-- What filters offer: each list apart, because lists of distinct values in one pass are sorted.
SELECT
    ARRAY(
        SELECT DISTINCT coalesce(served_city, origin_airport)
        FROM (SELECT DISTINCT origin_airport FROM enriched.itineraries) AS found
        LEFT JOIN enriched.airports ON airport_code = origin_airport
        ORDER BY 1
    ) AS origins,
    ARRAY(
        SELECT DISTINCT coalesce(served_city, destination_airport)
        FROM (SELECT DISTINCT destination_airport FROM enriched.itineraries) AS found
        LEFT JOIN enriched.airports ON airport_code = destination_airport
        ORDER BY 1
    ) AS destinations,
    ARRAY(SELECT DISTINCT origin_airport FROM enriched.itineraries ORDER BY 1) AS origin_airports,
    ARRAY(SELECT DISTINCT destination_airport FROM enriched.itineraries ORDER BY 1)
        AS destination_airports,
    ARRAY(SELECT DISTINCT route FROM enriched.itineraries ORDER BY 1) AS routes,
    ARRAY(SELECT DISTINCT agent FROM enriched.itineraries ORDER BY 1) AS agents,
    ARRAY(
        SELECT DISTINCT airline
        FROM (SELECT DISTINCT airlines FROM enriched.itineraries) AS found
        CROSS JOIN unnest(airlines) AS airline
        ORDER BY 1
    ) AS airlines,
    ARRAY(SELECT DISTINCT price_currency FROM enriched.itineraries ORDER BY 1) AS currencies,
    min(departure_on) AS first_departure_on,
    max(departure_on) AS last_departure_on
FROM enriched.itineraries
HAVING count(*) > 0;
