-- Work: linear, 52,000 buffers
SELECT
    array_agg(DISTINCT coalesce(origin_city, origin_airport)) AS origins,
    array_agg(DISTINCT coalesce(destination_city, destination_airport)) AS destinations,
    array_agg(DISTINCT origin_airport) AS origin_airports,
    array_agg(DISTINCT destination_airport) AS destination_airports,
    min(departure_on) AS first_departure_on,
    max(departure_on) AS last_departure_on,
    array_agg(DISTINCT route) AS routes,
    array_agg(DISTINCT agent) AS agents,
    (SELECT array_agg(DISTINCT airline ORDER BY airline) FROM enriched.itineraries, unnest(airlines) AS airline) AS airlines,
    array_agg(DISTINCT price_currency) AS currencies
FROM enriched.itineraries
HAVING count(*) > 0;
