SELECT DISTINCT ON (departure_on)
    departure_on,
    price_amount AS lowest_price,
    route,
    count(*) OVER (PARTITION BY departure_on) AS offers
FROM enriched.itineraries
WHERE
    on_offer
    AND price_currency = %(currency)s
    AND (%(agents)s::text[] IS NULL OR agent = ANY (%(agents)s))
{chosen}
ORDER BY departure_on, price_amount, itinerary_id;
