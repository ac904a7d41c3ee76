-- Which itineraries have any leg without a stop?
--
-- Each itinerary is listed once, even if several of its legs match. `leg_stops` has the stops of each leg, in the order of
-- the legs, and `outbound_stops` those of the first.
--
-- rows: 10
SELECT itinerary_id, route, leg_stops, on_offer
FROM enriched.itineraries
WHERE 0 = ANY(leg_stops)
ORDER BY itinerary_id
LIMIT %(rows)s;
