SELECT route, price_amount, price_currency, agent, agent_rating, airlines, max_stops, itinerary_id, first_seen_on
FROM enriched.itineraries
WHERE
    withdrawn_at IS NULL
    AND price_currency = %(currency)s
    AND max_stops <= %(stops)s
    AND (%(routes)s::text[] IS NULL OR route = ANY (%(routes)s))
    AND (%(agents)s::text[] IS NULL OR agent = ANY (%(agents)s))
    AND (%(airlines)s::text[] IS NULL OR airlines && %(airlines)s::text[])
ORDER BY price_amount, itinerary_id
LIMIT 100;
