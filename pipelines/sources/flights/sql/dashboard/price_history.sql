SELECT snapshot_on, route, min(prices.price_amount) AS lowest_price, count(*) AS itineraries
FROM metrics.flight_prices_by_day AS prices
INNER JOIN enriched.itineraries USING (itinerary_id)
WHERE
    prices.price_currency = %(currency)s
    AND max_stops <= %(stops)s
    AND (%(routes)s::text[] IS NULL OR route = ANY (%(routes)s))
    AND (%(agents)s::text[] IS NULL OR prices.agent = ANY (%(agents)s))
    AND (%(airlines)s::text[] IS NULL OR airlines && %(airlines)s::text[])
    AND (%(origins)s::text[] IS NULL OR ARRAY[origin_city, origin_airport] && %(origins)s::text[])
    AND (%(destinations)s::text[] IS NULL OR ARRAY[destination_city, destination_airport] && %(destinations)s::text[])
    AND (%(departs_from)s::date IS NULL OR departure_on BETWEEN %(departs_from)s AND %(departs_until)s)
    AND (
        %(hours)s::integer IS NULL OR NOT EXISTS (
            SELECT FROM flights.directions
            WHERE directions.itinerary_id = itineraries.itinerary_id AND minutes > 60 * %(hours)s
        )
    )
    AND snapshot_on >= current_date - 60
GROUP BY snapshot_on, route
ORDER BY snapshot_on, route;
