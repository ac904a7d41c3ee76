-- Which offers have exactly so many stops?
--
-- The number is that of the leg with the most stops; 0 means that no leg has a stop.
--
-- stops: 1
-- currency: GBP
-- rows: 3
SELECT itinerary_id, agent, price_amount, price_currency, max_stops, route
FROM enriched.itineraries
WHERE max_stops = %(stops)s AND price_currency = %(currency)s AND withdrawn_on IS NULL
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
