-- On which days do the cheapest trips go, between which cities, and how long do they take?
--
-- Days are local to the airport. The duration is the sum over the legs of the time from departure to arrival, layovers
-- included, without the stay at the destination.
--
-- from_day: 2026-11-20 | today
-- to_day: 2026-11-27 | today + 7
-- destination: London
-- currency: GBP
-- rows: 3
SELECT itinerary_id, departure_on, return_on, origin_city, destination_city, total_duration_minutes,
    price_amount, price_currency
FROM enriched.itineraries
WHERE departure_on >= CAST(%(from_day)s AS date) AND departure_on < CAST(%(to_day)s AS date)
    AND destination_city = %(destination)s AND withdrawn_on IS NULL AND price_currency = %(currency)s
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
