-- What are the cheapest itineraries with at most one stop a leg?
--
-- `on_offer` leaves out what was withdrawn, has departed, or has a rejected record in the newest document. Prices in
-- different currencies cannot be compared, so filter by one. Write `=` for exactly so many stops. For the second page
-- add `OFFSET 3`.
--
-- stops: 1
-- currency: GBP
-- rows: 3
SELECT itinerary_id, agent, price_amount, price_currency, max_stops, route
FROM enriched.itineraries
WHERE max_stops <= %(stops)s AND price_currency = %(currency)s AND on_offer
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
