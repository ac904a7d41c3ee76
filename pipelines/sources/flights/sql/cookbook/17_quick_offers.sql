-- Which offers take at most some hours in each direction, cheapest first?
--
-- A leg is a direction, layovers included. `total_duration_minutes` is the sum of all legs, `longest_leg_minutes` the longest
-- one. Where the time between departure and arrival is not known or impossible, the stated duration counts.
--
-- hours: 4
-- currency: GBP
-- rows: 10
SELECT itinerary_id, agent, route, longest_leg_minutes, price_amount, price_currency
FROM enriched.itineraries
WHERE on_offer AND price_currency = %(currency)s AND longest_leg_minutes <= 60 * %(hours)s
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
