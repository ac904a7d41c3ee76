-- What do trips to a city usually cost, by weeks before departure?
--
-- The median is over the lowest prices of each day with a document and each departure day, of the last 60 days. Low and high
-- are their quartiles, once they are of ten days. Week 0 is the last one before departure.
--
-- destination: London, GB
-- currency: GBP
SELECT from_city, to_city, trip, weeks_before_departure, median_price, low_price, high_price, snapshot_days
FROM metrics.flight_usual_prices
WHERE to_city = %(destination)s AND price_currency = %(currency)s
ORDER BY from_city, trip, weeks_before_departure;
