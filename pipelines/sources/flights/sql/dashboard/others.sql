-- Offers that are left out, as their currency is another one.
SELECT price_currency, count(*) AS offers
FROM enriched.itineraries
WHERE
    on_offer
    AND price_currency <> %(currency)s
    AND (%(agents)s::text[] IS NULL OR agent = ANY (%(agents)s))
{chosen}
GROUP BY price_currency
ORDER BY offers DESC, price_currency;
