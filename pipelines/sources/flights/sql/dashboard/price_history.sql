SELECT snapshot_on, route, min(prices.price_amount) AS lowest_price, count(*) AS itineraries
FROM metrics.flight_prices_by_day AS prices
INNER JOIN enriched.itineraries USING (itinerary_id)
WHERE
    prices.price_currency = %(currency)s
    AND (%(agents)s::text[] IS NULL OR prices.agent = ANY (%(agents)s))
{chosen}
    AND snapshot_on >= current_date - 60
GROUP BY snapshot_on, route
ORDER BY snapshot_on, route;
