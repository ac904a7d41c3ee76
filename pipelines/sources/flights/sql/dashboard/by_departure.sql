SELECT
    departure_on,
    min(price_amount) AS lowest_price,
    (array_agg(route ORDER BY price_amount))[1] AS route,
    count(*) AS offers
FROM enriched.itineraries
WHERE
    withdrawn_at IS NULL
    AND price_currency = %(currency)s
    AND (%(agents)s::text[] IS NULL OR agent = ANY (%(agents)s))
{chosen}
    AND departure_on >= current_date
GROUP BY departure_on
ORDER BY departure_on;
