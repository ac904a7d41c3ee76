-- What did an itinerary cost, day by day?
--
-- The price of a day is that of its last snapshot. `metrics.flight_prices` has every snapshot.
SELECT snapshot_on, price_amount, price_currency, agent
FROM metrics.flight_prices_by_day
WHERE itinerary_id = (
    SELECT itinerary_id FROM enriched.itineraries
    WHERE max_stops = 0 AND withdrawn_on IS NULL ORDER BY price_amount LIMIT 1
)
ORDER BY snapshot_on;
