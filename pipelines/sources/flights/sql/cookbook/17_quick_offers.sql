-- Which offers take at most some hours in each direction, cheapest first?
--
-- A leg is a direction, layovers included. `total_duration_minutes` of `enriched.itineraries` is the sum of all legs. Where
-- the time between departure and arrival is not known or impossible, the stated duration counts.
--
-- hours: 4
-- currency: GBP
-- rows: 10
SELECT itinerary_id, agent, route, longest.longest_minutes, price_amount, price_currency
FROM enriched.itineraries
CROSS JOIN LATERAL (
    SELECT max(minutes) AS longest_minutes
    FROM flights.directions
    WHERE directions.itinerary_id = itineraries.itinerary_id
) AS longest
WHERE withdrawn_on IS NULL AND price_currency = %(currency)s AND longest.longest_minutes <= 60 * %(hours)s
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
