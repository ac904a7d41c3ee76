-- Is a price high for these cities, or low?
--
-- The cheapest offer of each departure day is compared with what such trips usually cost: the same cities, one-way or round
-- trip, currency and weeks before departure. `for_these_cities` is low, usual or high, and null while the documents are of
-- fewer than ten days.
--
-- currency: GBP
-- rows: 3
SELECT itinerary_id, from_city, to_city, departure_on, price_amount, price_currency,
    price_level AS for_these_cities, low_price, high_price
FROM enriched.itineraries
INNER JOIN metrics.flight_price_levels USING (itinerary_id)
WHERE price_currency = %(currency)s
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
