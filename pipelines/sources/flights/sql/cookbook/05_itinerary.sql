-- What is an itinerary, with all its legs, in one row?
--
-- `legs` is a list of the legs in their order, each with both airports (code, name, city, local time) and the airline. The
-- ten cheapest itineraries with their legs take one statement too: `SELECT found.* FROM (SELECT itinerary_id FROM
-- enriched.itineraries WHERE on_offer AND price_currency = 'GBP' ORDER BY price_amount LIMIT 10) AS one,
-- enriched.itinerary(one.itinerary_id) AS found`.
SELECT itinerary_id, price_amount, price_currency, agent, legs -> 0 -> 'departure' AS first_departure
FROM enriched.itinerary((
    SELECT itinerary_id FROM enriched.itineraries
    WHERE 0 <> ALL (leg_stops) AND on_offer ORDER BY price_amount LIMIT 1
));
