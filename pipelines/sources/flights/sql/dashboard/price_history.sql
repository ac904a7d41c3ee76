SELECT DISTINCT ON (snapshot_on, route)
    snapshot_on,
    route,
    prices.price_amount AS lowest_price,
    count(*) OVER (PARTITION BY snapshot_on, route) AS itineraries
FROM metrics.flight_prices_by_day AS prices
INNER JOIN enriched.itineraries USING (itinerary_id, route)
WHERE
    prices.price_currency = %(currency)s
    AND (%(agents)s::text[] IS NULL OR prices.agent = ANY (%(agents)s))
{chosen}
    AND snapshot_on >= current_date - 60
    AND prices.snapshot_at < departs_at
ORDER BY snapshot_on, route, prices.price_amount;
