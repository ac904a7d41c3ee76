-- Which offers are there of an agent or an airline, best rated first?
--
-- Filter by a part of the name, in upper or lower case.
--
-- agent: %trip%
-- airline: %wizz%
-- currency: GBP
-- rows: 10
SELECT itinerary_id, agent, agent_rating, price_amount, price_currency, airlines
FROM enriched.itineraries
WHERE (agent ILIKE %(agent)s OR EXISTS (SELECT FROM unnest(airlines) AS name WHERE name ILIKE %(airline)s))
    AND on_offer AND price_currency = %(currency)s
ORDER BY agent_rating DESC NULLS LAST, price_amount, itinerary_id
LIMIT %(rows)s;
