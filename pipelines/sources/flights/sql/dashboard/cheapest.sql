SELECT
    price_amount, departure_on, origin, destination, return_on, total_duration, max_stops, price_level,
    low_price, high_price, airlines, agent, agent_rating, route, first_accepted_on, itinerary_id,
    total_rows
FROM (
    SELECT
        price_amount,
        departure_on,
        from_city AS origin,
        to_city AS destination,
        return_on,
        to_char(total_duration_minutes * interval '1 minute', 'HH24:MI') AS total_duration,
        max_stops, airlines, agent, agent_rating, route, first_accepted_on, itinerary_id,
        count(*) OVER () AS total_rows,
        row_number() OVER (
            ORDER BY
                CASE %(sort)s
                    WHEN 'duration' THEN total_duration_minutes
                    WHEN 'stops' THEN max_stops
                    WHEN 'departure' THEN departure_on - date '2000-01-01'
                    WHEN 'rating, best first' THEN -agent_rating
                    WHEN 'newest first' THEN -extract(EPOCH FROM first_accepted_at)
                END,
                price_amount,
                itinerary_id
        ) AS place
    FROM enriched.itineraries
    WHERE
        on_offer
        AND price_currency = %(currency)s
        AND (%(agents)s::text[] IS NULL OR agent = ANY (%(agents)s))
{chosen}
    ORDER BY place
    LIMIT 100
) AS shown
LEFT JOIN metrics.flight_price_levels USING (itinerary_id)
ORDER BY place;
