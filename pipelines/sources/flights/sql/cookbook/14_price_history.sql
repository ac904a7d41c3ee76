-- What did an itinerary cost, day by day?
--
-- The price of a day is that of its last snapshot. `metrics.flight_prices` has every snapshot. An id whose legs fly another
-- route is another offer, so `route` is that of today.
SELECT snapshot_on, price_amount, price_currency, agent
FROM metrics.flight_prices_by_day
WHERE (itinerary_id, route) = (
    SELECT itinerary_id, route FROM enriched.itineraries
    WHERE max_stops = 0 AND on_offer ORDER BY price_amount LIMIT 1
)
ORDER BY snapshot_on;
