-- Which offers take at most some hours in each direction, cheapest first?
--
-- A leg is a direction, layovers included. `total_duration_minutes` of `enriched.itineraries` is the sum of all legs. Where
-- the time between departure and arrival is not known or impossible, the stated duration counts.
--
-- hours: 4
-- currency: GBP
-- rows: 10
-- Work: linear, 5,000 buffers
SELECT itinerary_id, agent, route, directions.longest_minutes, price_amount, price_currency
FROM enriched.itineraries
CROSS JOIN LATERAL (
    SELECT
        max(
            CASE WHEN time_verdict <> 'impossible' THEN elapsed_minutes ELSE duration_minutes END
        ) AS longest_minutes
    FROM enriched.itinerary_legs AS legs
    WHERE legs.itinerary_id = itineraries.itinerary_id
) AS directions
WHERE withdrawn_on IS NULL AND price_currency = %(currency)s AND directions.longest_minutes <= 60 * %(hours)s
ORDER BY price_amount, itinerary_id
LIMIT %(rows)s;
