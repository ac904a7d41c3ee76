-- Itineraries on offer with several legs that do not end in the city where they begin.
SELECT
    itineraries.itinerary_id,
    itineraries.route
FROM flights.itineraries
INNER JOIN flights.itinerary_legs AS homeward
    ON itineraries.itinerary_id = homeward.itinerary_id
    AND homeward.leg_number = itineraries.leg_count
INNER JOIN flights.legs AS last_leg
    ON homeward.leg_id = last_leg.leg_id AND homeward.leg_seen_from_at = last_leg.seen_from_at
INNER JOIN flights.airports AS origin ON itineraries.origin_airport = origin.airport_code
INNER JOIN flights.airports AS target ON last_leg.arrival_airport = target.airport_code
WHERE itineraries.withdrawn_at IS NULL
    AND itineraries.leg_count > 1
    AND origin.city_code <> target.city_code
ORDER BY itineraries.itinerary_id
