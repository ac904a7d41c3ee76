SELECT
    withdrawn_on,
    price_amount AS last_price,
    from_city AS origin,
    to_city AS destination,
    departure_on,
    return_on,
    agent, route, first_accepted_on, itinerary_id,
    count(*) OVER () AS total_rows
FROM enriched.itineraries
WHERE
    withdrawn_on < departure_on -- on the day of departure it has departed
    AND price_currency = %(currency)s
    AND (%(agents)s::text[] IS NULL OR agent = ANY (%(agents)s))
{chosen}
ORDER BY withdrawn_at DESC, itinerary_id
LIMIT 100;
