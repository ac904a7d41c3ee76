-- On which days do the cheapest trips go, between which cities, and how long do they take?
--
-- Cities have their country, since there is a London in Canada, too. Days are local to the airport. The duration is the
-- sum over the legs of the time from departure to arrival, layovers included, without the stay at the destination.
--
-- from_day: 2026-11-20 | today
-- to_day: 2026-11-27 | today + 7
-- destination: London, GB
-- currency: GBP
-- rows: 3
SELECT itinerary_id, departure_on, return_on, from_city, to_city, total_duration_minutes,
    price_amount, price_currency
FROM enriched.itineraries
WHERE departure_on >= CAST(%(from_day)s AS date) AND departure_on < CAST(%(to_day)s AS date)
    AND to_city = %(destination)s AND on_offer AND price_currency = %(currency)s
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
