SELECT withdrawn_on, route, price_amount AS last_price, price_currency, agent, first_seen_on, itinerary_id
FROM enriched.itineraries
WHERE withdrawn_at IS NOT NULL AND (%(routes)s::text[] IS NULL OR route = ANY (%(routes)s))
ORDER BY withdrawn_at DESC, itinerary_id
LIMIT 100;
