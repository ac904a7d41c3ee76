-- Who sells itineraries, and how are they rated?
SELECT agent, max(agent_rating) AS rating, count(DISTINCT itinerary_id) AS offers,
    array_agg(DISTINCT name) AS airlines
FROM enriched.itineraries
CROSS JOIN unnest(airlines) AS name
WHERE withdrawn_on IS NULL
GROUP BY agent
ORDER BY rating DESC NULLS LAST, agent;
