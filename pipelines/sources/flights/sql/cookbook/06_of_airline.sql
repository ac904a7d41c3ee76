-- Which itineraries does an airline fly?
--
-- Filter `airlines` by name, or `airline_ids` by the source's code.
--
-- airline: Wizz Air
-- currency: GBP
-- rows: 10
SELECT itinerary_id, route, price_amount, price_currency, airlines
FROM enriched.itineraries
WHERE %(airline)s = ANY(airlines) AND on_offer AND price_currency = %(currency)s
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
