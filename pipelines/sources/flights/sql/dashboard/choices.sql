SELECT
    array_agg(DISTINCT route ORDER BY route) AS routes,
    array_agg(DISTINCT agent ORDER BY agent) AS agents,
    (SELECT array_agg(DISTINCT airline ORDER BY airline) FROM enriched.itineraries, unnest(airlines) AS airline) AS airlines,
    (SELECT array_agg(DISTINCT price_currency) FROM enriched.itineraries) AS currencies
FROM enriched.itineraries
HAVING count(*) > 0;
